//! The standard library with loom's mutex and atomics. `Arc` stays the standard one, because wakers are built from it.

pub use ::std::*;

pub mod sync {
    pub use ::std::sync::*;
    pub use loom::sync::{Mutex, MutexGuard};

    pub mod atomic {
        pub use ::std::sync::atomic::*;
        pub use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
    }
}
