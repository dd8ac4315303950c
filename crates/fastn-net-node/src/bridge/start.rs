//! Starts operations and returns their outcomes.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
};

use fastn_net::{CloseInfo, Result};
use futures_util::{FutureExt, future::BoxFuture};
use napi::{
    Env,
    bindgen_prelude::{BigInt, Either},
};
use napi_derive::napi;

use super::{
    code_to_js,
    environment::{Environment, stale},
    error::{BindingError, internal},
    insert_stream,
    operation::{Operation, Outcome},
    runtime,
    table::{Channel, ConnectionSlot, Slot},
};

/// An [`Outcome`] as it crosses. Only the fields that apply are set.
#[napi(object, use_nullable = true)]
#[derive(Default)]
pub struct BindingOutcome {
    /// Why it failed.
    pub error: Option<BindingError>,
    /// An endpoint, a connection, a stream or a tunnel.
    pub handle: Option<f64>,
    /// Of a stream: its connection's number and its own id.
    pub ids: Option<Vec<f64>>,
    /// A ticket.
    pub text: Option<String>,
    /// Milliseconds or a count.
    pub number: Option<f64>,
    /// Close of a connection.
    pub closed: Option<BindingCloseInfo>,
}

/// A [`CloseInfo`] as it crosses.
#[napi(object)]
pub struct BindingCloseInfo {
    /// Application close code.
    pub code: Either<f64, BigInt>,
    /// The reason that was given, or the error.
    pub reason: String,
    /// `local`, `peer` or `network`.
    pub by: String,
}

/// Starts an operation and returns its handle.
pub(crate) fn start(env: &Env, call: impl Future<Output = Result<Outcome>> + Send + 'static) -> f64 {
    start_boxed(env, call.boxed())
}

/// Boxed, so that the addon contains this and tokio's task once, not once for each operation.
fn start_boxed(env: &Env, call: BoxFuture<'static, Result<Outcome>>) -> f64 {
    Environment::with(env, |environment| {
        environment.answer(|environment| {
            let runtime = runtime::handle().map_err(|e| internal("the runtime did not start").with_source(e))?;
            let outcome: Arc<Mutex<Option<Result<Outcome>>>> = Arc::default();
            let (handle, waker) = environment.table.borrow_mut().reserve(Channel::Done)?;
            let task = runtime.spawn({
                let outcome = outcome.clone();
                async move {
                    let result = AssertUnwindSafe(call).catch_unwind().await;
                    let result = result.unwrap_or_else(|_| Err(internal("an operation panicked")));
                    *outcome.lock().expect("no panic while held") = Some(result);
                    waker.wake();
                }
            });
            let operation = Operation { outcome, task: task.abort_handle() };
            environment.table.borrow_mut().fill(handle, Slot::Operation(operation));
            Ok(handle)
        })
    })
}

/// Takes an operation's outcome, once, and frees its handle. Null while it runs: the wake was for another handle.
#[napi(catch_unwind)]
pub fn op_take(env: Env, operation: f64) -> Option<BindingOutcome> {
    Environment::with(&env, |environment| {
        let result = match environment.table.borrow_mut().slot(operation) {
            Some(Slot::Operation(operation)) => operation.outcome.lock().expect("no panic while held").take()?,
            _ => Err(stale()),
        };
        let slot = environment.table.borrow_mut().remove(operation);
        drop(slot);
        Some(
            result
                .and_then(|outcome| outcome.cross(environment))
                .unwrap_or_else(|error| BindingOutcome { error: Some((&error).into()), ..BindingOutcome::default() }),
        )
    })
}

/// Cancels an operation and drops its outcome, if it is there. Idempotent.
#[napi(catch_unwind)]
pub fn op_cancel(env: Env, operation: f64) {
    Environment::with(&env, |environment| {
        let slot = environment.table.borrow_mut().remove(operation);
        drop(slot);
    });
}

impl Outcome {
    fn cross(self, environment: &Environment) -> Result<BindingOutcome> {
        let handle = |slot| Some(environment.table.borrow_mut().insert(slot)).transpose();
        let mut outcome = BindingOutcome::default();
        match self {
            Self::Nothing => {}
            Self::Endpoint(endpoint) => outcome.handle = handle(Slot::Endpoint(endpoint))?,
            Self::Connection(endpoint, view) => outcome.handle = handle(ConnectionSlot::held(endpoint, view))?,
            Self::Stream(stream) => {
                let mut ids = [0.0; 2];
                outcome.handle = Some(insert_stream(environment, *stream, &mut ids)?);
                outcome.ids = Some(ids.to_vec());
            }
            Self::Tunnel(tunnel) => outcome.handle = handle(Slot::Tunnel(Arc::new(tunnel)))?,
            Self::Text(text) => outcome.text = Some(text),
            Self::Number(number) => outcome.number = Some(number),
            Self::Closed(CloseInfo { code, reason, by }) => {
                outcome.closed = Some(BindingCloseInfo { code: code_to_js(code), reason, by: by.as_str().to_owned() });
            }
        }
        Ok(outcome)
    }
}
