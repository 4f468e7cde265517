//! Values of a process.

use std::sync::OnceLock;

use super::process_id;

/// A static value that a forked child has anew: a thread that the child lacks may hold a lock of its parent.
#[derive(Debug)]
pub struct PerProcess<T>(OnceLock<Box<Node<T>>>);

/// The value of a process, and that of its forked child.
#[derive(Debug)]
struct Node<T> {
    process: u32,
    value: T,
    child: PerProcess<T>,
}

impl<T: Default> PerProcess<T> {
    /// Builds a value that each process builds on first use.
    #[allow(clippy::new_without_default, reason = "for statics only")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Returns the value of this process.
    pub fn get(&self) -> &T {
        self.of(process_id())
    }

    fn of(&self, process: u32) -> &T {
        let mut place = self;
        loop {
            let build = || Box::new(Node { process, value: T::default(), child: Self::new() });
            let node = place.0.get_or_init(build);
            if node.process == process {
                return &node.value;
            }
            place = &node.child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_a_value_of_its_own() {
        let value = PerProcess::<Box<u8>>::new();
        let of_parent: *const u8 = &**value.of(1);
        let of_child: *const u8 = &**value.of(2);
        assert_ne!(of_child, of_parent);
        assert_eq!(&raw const **value.of(1), of_parent);
        assert_eq!(&raw const **value.of(2), of_child);
    }
}
