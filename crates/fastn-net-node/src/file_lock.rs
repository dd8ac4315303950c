//! Exclusive file locks between programs. Node.js has none.

use std::fs::{File, TryLockError};

use fastn_net::{Code, Error};
use napi::Env;
use napi_derive::napi;

use crate::bridge::{Environment, Slot};

/// Locks this file, which is created if it does not exist. A handle: the lock is held until it is released, or the process ends.
/// `FAILED` with `ERR_BUSY` if another handle or program holds it. Blocks on a small file.
#[napi(catch_unwind)]
pub fn file_lock(env: Env, path: String) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let failed = |error: std::io::Error| {
                Error::new(Code::File, format!("cannot lock '{path}': {error}")).with_source(error)
            };
            let mut options = File::options();
            options.create(true).truncate(false).write(true);
            // Another user who may open the file could hold the lock.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => e.table.borrow_mut().insert(Slot::FileLock(file)),
                Err(TryLockError::WouldBlock) => {
                    Err(Error::new(Code::Busy, format!("another program, or another part of this one, holds '{path}'")))
                }
                Err(TryLockError::Error(error)) => Err(failed(error)),
            }
        })
    })
}
