//! Pooled connections to many services.

use std::{collections::HashMap, hash::Hash, sync::Mutex, time::Duration};

use super::pool::Pool;
use crate::tunnel::running::TunnelTasks;

/// Limit of pools without a connection that are kept.
const MAX_UNUSED: usize = 64;

/// Pools by destination.
pub(in crate::tunnel) struct Pools<K> {
    by_key: Mutex<HashMap<K, Pool>>,
    keep: Duration,
    work: TunnelTasks,
}

impl<K: Hash + Eq> Pools<K> {
    /// `keep`: how long an idle connection is kept.
    pub(in crate::tunnel) fn new(work: &TunnelTasks, keep: Duration) -> Self {
        Self { by_key: Mutex::default(), keep, work: work.clone() }
    }

    pub(in crate::tunnel) fn get(&self, key: K) -> Pool {
        let mut pools = self.by_key.lock().expect("no panic while held");
        if let Some(pool) = pools.get(&key) {
            return pool.clone();
        }
        if pools.len() >= MAX_UNUSED {
            pools.retain(|_, pool| pool.is_used());
        }
        let pool = Pool::new(&self.work, self.keep, None);
        pools.insert(key, pool.clone());
        pool
    }
}
