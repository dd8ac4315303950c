//! Why a request has no answer.

use std::{error::Error as StdError, fmt, io};

/// Why a request has no answer.
#[derive(Debug)]
pub(in crate::tunnel) enum SendError {
    /// There is no connection.
    Connect(io::Error),
    /// The connection failed.
    Exchange(hyper::Error),
}

impl SendError {
    /// The error of the socket or stream.
    pub(in crate::tunnel) fn cause(&self) -> Option<&io::Error> {
        let mut next: Option<&(dyn StdError + 'static)> = match self {
            Self::Connect(error) => return Some(error),
            Self::Exchange(error) => Some(error),
        };
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Exchange(error) => error.fmt(f),
        }
    }
}
