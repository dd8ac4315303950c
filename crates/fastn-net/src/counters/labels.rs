//! Counters by label.

use std::sync::atomic::{AtomicU64, Ordering};

/// One counter for each of `N` labels. The last one counts every unknown label.
#[derive(Debug)]
pub(crate) struct Counts<const N: usize>([AtomicU64; N]);

impl<const N: usize> Counts<N> {
    /// Counts one more under a label. `labels` are the first of the set, in its order.
    pub(crate) fn add(&self, labels: &[&str], label: &str) {
        let at = labels.iter().position(|known| *known == label).unwrap_or(N - 1);
        self.0[at.min(N - 1)].fetch_add(1, Ordering::Relaxed);
    }

    /// Every label with its count. If `labels` is one short, the last label is `other`.
    pub(crate) fn each<'a>(&'a self, labels: &'a [&'static str]) -> impl Iterator<Item = (&'static str, u64)> + 'a {
        let labels = labels.iter().copied().chain(["other"]);
        labels.zip(&self.0).map(|(label, count)| (label, count.load(Ordering::Relaxed)))
    }
}

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}
