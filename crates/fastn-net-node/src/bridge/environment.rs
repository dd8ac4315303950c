//! State of one JavaScript thread, and its cleanup.

use std::{
    cell::RefCell,
    mem::ManuallyDrop,
    rc::Rc,
    sync::{Arc, mpsc},
    time::Duration,
};

use fastn_net::{Code, Endpoint, Error, Result};
use napi::{
    Env,
    bindgen_prelude::{Function, Uint32ArraySlice},
    sys,
};
use napi_derive::napi;

use super::{
    FAILED,
    error::BindingError,
    runtime,
    table::{Slot, Table},
    wakes::Wakes,
};

/// Time limit for closing the endpoints of a thread that ends.
const EXIT_LIMIT: Duration = Duration::from_millis(50);

/// The state of one JavaScript environment. Only its own thread reaches it.
pub(crate) struct Environment {
    pub(crate) table: RefCell<Table>,
    wakes: Arc<Wakes>,
    error: RefCell<Option<BindingError>>,
}

type Environments = Vec<(sys::napi_env, Rc<Environment>)>;

thread_local! {
    /// More than one only where a thread has several contexts that load addons.
    ///
    /// Not dropped with the thread: an environment ends in its cleanup hook. A process that exits without running the hook would
    /// else close its endpoints from a destructor, and its peers would see a close only by chance.
    static ENVIRONMENTS: ManuallyDrop<RefCell<Environments>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

impl Environment {
    /// Runs `f` with the state of this environment, which is made when it is first needed.
    pub(crate) fn with<R>(env: &Env, f: impl FnOnce(&Self) -> R) -> R {
        let raw = env.raw();
        let found = ENVIRONMENTS.with(|all| all.borrow().iter().find(|(key, _)| *key == raw).map(|(_, e)| e.clone()));
        f(&found.unwrap_or_else(|| Self::create(env)))
    }

    /// Stores the error for `takeError()`.
    pub(crate) fn fail(&self, error: &Error) {
        *self.error.borrow_mut() = Some(error.into());
    }

    /// A handle or a count, or `FAILED` with the error stored.
    pub(crate) fn answer(&self, f: impl FnOnce(&Self) -> Result<f64>) -> f64 {
        f(self).unwrap_or_else(|error| {
            self.fail(&error);
            FAILED
        })
    }

    /// A value, or `None` with the error stored.
    pub(crate) fn value<T>(&self, f: impl FnOnce(&Self) -> Result<T>) -> Option<T> {
        f(self).map_err(|error| self.fail(&error)).ok()
    }

    fn create(env: &Env) -> Rc<Self> {
        let wakes: Arc<Wakes> = Arc::default();
        let environment =
            Rc::new(Self { table: RefCell::new(Table::new(wakes.clone())), wakes, error: RefCell::default() });
        let raw = env.raw();
        ENVIRONMENTS.with(|all| all.borrow_mut().push((raw, environment.clone())));
        // A thread that never waits needs a hook, too: it may hold keys and file locks. Node-API refuses it for a null argument only.
        let _ = env.add_env_cleanup_hook(RawEnv(raw), |raw| Self::end(raw.0));
        environment
    }

    /// No-op for an environment that has ended.
    fn end(raw: sys::napi_env) {
        let ended = ENVIRONMENTS.with(|all| {
            let mut all = all.borrow_mut();
            let at = all.iter().position(|(key, _)| *key == raw)?;
            let ended = all.swap_remove(at).1;
            all.shrink_to_fit();
            Some(ended)
        });
        let Some(environment) = ended else { return };
        // No wake may ring the event loop from here on.
        environment.wakes.detach();
        let slots = environment.table.borrow_mut().drain();
        let endpoint = |slot: &Slot| if let Slot::Endpoint(endpoint) = slot { Some(endpoint.clone()) } else { None };
        close_before_exit(&slots.iter().filter_map(endpoint).collect::<Vec<_>>(), EXIT_LIMIT);
        drop(slots);
    }
}

/// Closes the endpoints of a thread that ends, so that their peers see a close and not a timeout.
/// Blocks until they have, `limit` at most.
pub(crate) fn close_before_exit(endpoints: &[Endpoint], limit: Duration) {
    if endpoints.is_empty() {
        // Without endpoints there may be no runtime, and an exit must not start one.
        return;
    }
    let (told, all_told) = mpsc::channel::<()>();
    let Ok(runtime) = runtime::handle() else { return };
    for endpoint in endpoints {
        let (endpoint, told) = (endpoint.clone(), told.clone());
        runtime.spawn(async move {
            endpoint.close_before_exit(limit).await;
            drop(told);
        });
    }
    drop(told);
    // Ends with the last sender, or with the time.
    let _ = all_told.recv_timeout(limit);
}

pub(crate) fn stale() -> Error {
    Error::new(Code::Closed, "it was closed or has ended already")
}

/// Sets the function to call on the environment's event loop when wakes are queued. Call once.
#[napi(catch_unwind)]
pub fn bridge_start(env: Env, wake: Function<'_, (), ()>) -> napi::Result<()> {
    Environment::with(&env, |environment| environment.wakes.attach(&wake))?;
    let raw = env.raw();
    // Hooks run in reverse order. This one comes after the function was made, so that it runs before the function's own; the one of
    // `create` then finds nothing.
    env.add_env_cleanup_hook(RawEnv(raw), |raw| Environment::end(raw.0))?;
    Ok(())
}

/// The environment's identity, for its own cleanup hook.
struct RawEnv(sys::napi_env);

/// Moves queued wakes into `out` and returns their number. Call again while `out` was filled completely.
#[napi(catch_unwind)]
pub fn bridge_woken(env: Env, mut out: Uint32ArraySlice<'_>) -> u32 {
    let count = Environment::with(&env, |environment| environment.wakes.take(super::bytes::words_mut(&mut out)));
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Keeps the process alive, or lets it exit.
#[napi(catch_unwind)]
pub fn bridge_keep_alive(env: Env, alive: bool) {
    Environment::with(&env, |environment| environment.wakes.keep_alive(&env, alive));
}

/// The error of the last call that returned `FAILED` or null. Taken once.
#[napi(catch_unwind)]
pub fn take_error(env: Env) -> BindingError {
    let error = Environment::with(&env, |environment| environment.error.borrow_mut().take());
    error.unwrap_or_else(|| (&super::error::internal("an error was asked for that is not there")).into())
}

/// Number of live handles: streams, operations, listeners and all others.
#[napi(catch_unwind)]
pub fn handle_count(env: Env) -> u32 {
    let count = Environment::with(&env, |environment| environment.table.borrow().count());
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The version of this addon. TypeScript compares it with its own.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Every code of the table in `fastn_net::Code`, with its class.
#[napi(catch_unwind)]
#[must_use]
pub fn error_codes() -> Vec<Vec<&'static str>> {
    Code::ALL.iter().map(|code| vec![code.as_str(), code.class().as_str()]).collect()
}

/// Releases the object of a handle. No-op for a stale handle.
#[napi(catch_unwind)]
pub fn handle_release(env: Env, handle: f64) {
    Environment::with(&env, |environment| {
        let mut slot = environment.table.borrow_mut().remove(handle);
        if let Slot::Stream(slot) = &mut slot {
            slot.stream.abandon(fastn_net::wire::codes::reset::COLLECTED);
        }
        drop(slot);
    });
}
