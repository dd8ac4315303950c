//! How much a peer may send before somebody reads it, over all its connections.
//!
//! QUIC announces a window in the handshake, before the peer is known: so that one is small, and grows when the peer's actor
//! adopts the connection. A window that was announced cannot be taken back: what a peer was allowed to send it may send. So what a
//! connection was given it keeps until its end, and a newcomer gets what is left.

/// Before the peer is known, and for connections beyond those that share the rest.
const FIRST: u32 = 64 * 1024;

/// What QUIC announces in a handshake.
pub(crate) fn first(each: u32) -> u32 {
    each.min(FIRST)
}

/// The windows of one peer's connections.
#[derive(Debug)]
pub(crate) struct Windows {
    /// Of one connection, at most.
    each: u32,
    /// What is left for them to share, above the first window of each.
    left: u64,
    /// How much above the first one each has, the oldest first.
    granted: Vec<(u64, u64)>,
}

impl Windows {
    pub(crate) fn new(each: u32, all: u64) -> Self {
        Self { each, left: all, granted: Vec::new() }
    }

    /// The window of a new connection.
    pub(crate) fn come(&mut self, connection: u64) -> u64 {
        // Of one mostly: a list would make room for four.
        self.granted.reserve_exact(1);
        self.granted.push((connection, 0));
        self.grow(self.granted.len() - 1).map_or_else(|| first(self.each).into(), |(_, window)| window)
    }

    /// A connection has ended: the windows of those that get what it had, the newest first.
    pub(crate) fn go(&mut self, connection: u64) -> Vec<(u64, u64)> {
        if let Some(at) = self.granted.iter().position(|(other, _)| *other == connection) {
            self.left += self.granted.remove(at).1;
        }
        (0..self.granted.len()).rev().filter_map(|at| self.grow(at)).collect()
    }

    /// A connection and its window, if there is more for it.
    fn grow(&mut self, at: usize) -> Option<(u64, u64)> {
        let first = first(self.each);
        let (connection, granted) = &mut self.granted[at];
        let more = (u64::from(self.each - first) - *granted).min(self.left);
        self.left -= more;
        *granted += more;
        (more > 0).then_some((*connection, u64::from(first) + *granted))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1024 * 1024;
    const EACH: u32 = 16 * 1024 * 1024;

    #[test]
    fn four_have_a_whole_window_and_who_comes_later_gets_what_becomes_free() {
        let mut windows = Windows::new(EACH, 64 * MIB);
        for connection in 1..=4 {
            assert_eq!(windows.come(connection), 16 * MIB);
        }
        // Four first windows are left.
        assert_eq!(windows.come(5), u64::from(FIRST) * 5);
        assert_eq!(windows.come(6), u64::from(FIRST));
        assert_eq!(windows.come(7), u64::from(FIRST));
        assert_eq!(windows.go(6), []);
        assert_eq!(windows.go(1), [(7, 16 * MIB)]);
        assert_eq!(windows.go(2), [(5, 16 * MIB)]);
        assert_eq!(windows.come(8), u64::from(FIRST) * 5);
        assert_eq!(windows.go(9), []);
    }

    #[test]
    fn a_small_window_is_never_more_than_was_asked_for() {
        let mut windows = Windows::new(1000, 1_000_000);
        assert_eq!((first(1000), windows.come(1), windows.come(2)), (1000, 1000, 1000));
    }

    proptest! {
        #[test]
        fn all_together_never_have_more_than_their_share_and_none_shrinks(
            events in prop::collection::vec((any::<bool>(), 0usize..8), 0..200),
            all in 0..200 * MIB,
        ) {
            let mut windows = Windows::new(EACH, all);
            let mut live: Vec<(u64, u64)> = Vec::new();
            for (next, (comes, at)) in (0u64..).zip(events) {
                if comes || live.is_empty() {
                    live.push((next, windows.come(next)));
                } else {
                    let (gone, _) = live.remove(at % live.len());
                    for (connection, window) in windows.go(gone) {
                        let known = live.iter_mut().find(|(id, _)| *id == connection).expect("a live one");
                        prop_assert!(window > known.1);
                        known.1 = window;
                    }
                }
                let above = live.iter().map(|(_, window)| window - u64::from(FIRST)).sum::<u64>();
                prop_assert!(above <= all && live.iter().all(|(_, window)| *window <= u64::from(EACH)));
                // Nothing that anyone could use lies idle.
                prop_assert!(above == all || live.iter().all(|(_, window)| *window == u64::from(EACH)));
            }
        }
    }
}
