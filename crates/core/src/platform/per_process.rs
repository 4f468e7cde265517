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

    /// Returns the value that the parent of this forked child has, if it was built before the fork. A thread of the parent may
    /// have held its lock.
    #[cfg(not(target_family = "wasm"))]
    pub fn of_parent(&self) -> Option<&T> {
        self.before(process_id())
    }

    #[cfg(not(target_family = "wasm"))]
    fn before(&self, process: u32) -> Option<&T> {
        let (mut place, mut parent) = (self, None);
        while let Some(node) = place.0.get().filter(|node| node.process != process) {
            parent = Some(&node.value);
            place = &node.child;
        }
        parent
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

    #[test]
    fn a_child_finds_the_value_of_its_parent() {
        let value = PerProcess::<Box<u8>>::new();
        assert_eq!(value.before(1), None);
        let address = |value: Option<&Box<u8>>| value.map(|value| &raw const **value);
        let of_parent = address(Some(value.of(1)));
        assert_eq!(value.before(1), None);
        assert_eq!(address(value.before(2)), of_parent);
        let of_child = address(Some(value.of(2)));
        assert_eq!(address(value.before(2)), of_parent);
        assert_eq!(address(value.before(3)), of_child);
    }
}
