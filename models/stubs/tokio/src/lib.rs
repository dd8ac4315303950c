//! tokio, whose `select!` polls in order: loom repeats a model, and what is random would differ.

#[doc(hidden)]
pub use tokio_itself as itself;
pub use tokio_itself::sync;

#[macro_export]
macro_rules! select {
    ($($branches:tt)*) => { $crate::itself::select! { biased; $($branches)* } };
}
