//! tokio with a `select!` that polls in order: loom repeats a model, which must not behave randomly.

#[doc(hidden)]
pub use tokio_itself as itself;
pub use tokio_itself::sync;

#[macro_export]
macro_rules! select {
    ($($branches:tt)*) => { $crate::itself::select! { biased; $($branches)* } };
}
