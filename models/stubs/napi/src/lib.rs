//! The part of napi-rs that `wakes.rs` uses: a threadsafe function, which counts its calls.

use std::marker::PhantomData;
use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};

pub type Result<T> = std::result::Result<T, Status>;

#[derive(Debug)]
pub struct Status;

pub struct Env;

impl Env {
    pub fn raw(&self) -> sys::napi_env {}
}

pub mod sys {
    #![allow(non_camel_case_types)]
    pub type napi_env = ();

    /// # Safety
    ///
    /// None: it does nothing.
    pub unsafe fn napi_ref_threadsafe_function((): napi_env, (): ()) {}

    /// # Safety
    ///
    /// None: it does nothing.
    pub unsafe fn napi_unref_threadsafe_function((): napi_env, (): ()) {}
}

pub mod bindgen_prelude {
    pub use super::Function;
}

/// Number of rings of the event loop.
#[derive(Clone)]
pub struct Rings(Arc<AtomicUsize>);

impl Rings {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub struct Function<'a, Args, Return>(Rings, PhantomData<(&'a (), Args, Return)>);

impl Function<'_, (), ()> {
    pub fn counting() -> (Self, Rings) {
        let rings = Rings(Arc::new(AtomicUsize::new(0)));
        (Self(rings.clone(), PhantomData), rings)
    }

    pub fn build_threadsafe_function<T>(&self) -> Builder {
        Builder(self.0.clone())
    }
}

pub struct Builder(Rings);

impl Builder {
    pub fn weak<const WEAK: bool>(self) -> Self {
        self
    }

    pub fn callee_handled<const HANDLED: bool>(self) -> Self {
        self
    }

    pub fn max_queue_size<const SIZE: usize>(self) -> Self {
        self
    }

    pub fn build_callback<A, B, C, const HANDLED: bool, const WEAK: bool, const SIZE: usize>(
        self,
        _: impl FnOnce(()) -> Result<()>,
    ) -> Result<threadsafe_function::ThreadsafeFunction<A, B, C, Status, HANDLED, WEAK, SIZE>> {
        Ok(threadsafe_function::ThreadsafeFunction::new(self.0))
    }
}

pub mod threadsafe_function {
    use super::*;

    pub enum ThreadsafeFunctionCallMode {
        NonBlocking,
    }

    pub struct ThreadsafeFunction<A, B, C, S, const HANDLED: bool, const WEAK: bool, const SIZE: usize> {
        pub handle: Handle,
        rings: Rings,
        types: PhantomData<fn(A, B, C, S)>,
    }

    pub struct Handle;

    impl Handle {
        pub fn get_raw(&self) {}
    }

    impl<A, B, C, S, const HANDLED: bool, const WEAK: bool, const SIZE: usize>
        ThreadsafeFunction<A, B, C, S, HANDLED, WEAK, SIZE>
    {
        pub(crate) fn new(rings: Rings) -> Self {
            Self { handle: Handle, rings, types: PhantomData }
        }

        pub fn call(&self, (): (), _: ThreadsafeFunctionCallMode) {
            self.rings.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}
