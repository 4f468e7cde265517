//! Makes values `Sync`.

/// A value that only its owner reads, by `&mut`. `Sync` whatever it is, unlike a boxed stream.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
pub(crate) struct Exclusive<T>(std::sync::Mutex<T>);

#[cfg(not(target_arch = "wasm32"))]
impl<T> Exclusive<T> {
    pub fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// Returns the value. Locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The web has one thread.
#[cfg(target_arch = "wasm32")]
#[derive(Debug)]
pub(crate) struct Exclusive<T>(T);

#[cfg(target_arch = "wasm32")]
impl<T> Exclusive<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    pub fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
