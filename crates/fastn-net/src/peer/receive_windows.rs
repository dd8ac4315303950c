//! Receive window shared by all connections of a peer: bytes it may send before the application reads them.
//!
//! QUIC announces a window in the handshake, before the peer is known. So the first window is small, and grows when the peer's
//! actor adopts the connection. An announced window cannot be revoked. So each connection keeps its window until its end, and a
//! new one gets the remainder.
//!
//! Unread streams use up the window of their connection. A header, an ack or a ping of any other stream needs room in it. So a
//! connection with many streams gets a larger window, within the peer's share. It then fits even if each of them is full.

use crate::connection::slow_readers::STREAM_WINDOW as STREAM;

/// Window before the peer is known, and of connections that find the peer's share used up.
const FIRST: u32 = 64 * 1024;

/// Growth of a window for each stream. QUIC returns the room of read bytes in pieces of an eighth of the window. So an eighth
/// must stay free beside full streams, or the streams that are read stall too.
const ROOM: u64 = STREAM as u64 * 8 / 7 + 1;

/// Streams that a window of the default size covers.
const FEW: usize = 12;

/// A window grows for this many streams at a time.
const STEP: usize = 4;

/// The window that QUIC announces in a handshake.
pub(crate) fn first(each: u32) -> u32 {
    each.min(FIRST)
}

/// The windows of one peer's connections.
#[derive(Debug)]
pub(crate) struct ReceiveWindows {
    /// Default limit of one connection.
    each: u32,
    /// Bytes left to share, beyond the first window of each connection.
    left: u64,
    /// Bytes granted to each connection beyond its first window, oldest connection first.
    granted: Vec<(u64, u64)>,
}

/// Result of [`ReceiveWindows::cover`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cover {
    /// The connection's window, if it has grown.
    pub(crate) window: Option<u64>,
    /// Full streams that it covers; `None` if the peer's share is used up.
    pub(crate) streams: Option<usize>,
}

impl ReceiveWindows {
    pub(crate) fn new(each: u32, all: u64) -> Self {
        Self { each, left: all, granted: Vec::new() }
    }

    /// Adds a connection. Returns its window.
    pub(crate) fn add(&mut self, connection: u64) -> u64 {
        // Usually there is one: a plain push would reserve four.
        self.granted.reserve_exact(1);
        self.granted.push((connection, 0));
        self.grow(self.granted.len() - 1).map_or_else(|| first(self.each).into(), |(_, window)| window)
    }

    /// Removes a closed connection. Returns the new windows of those that inherit its share, newest first.
    pub(crate) fn remove(&mut self, connection: u64) -> Vec<(u64, u64)> {
        if let Some(at) = self.granted.iter().position(|(other, _)| *other == connection) {
            self.left += self.granted.remove(at).1;
        }
        (0..self.granted.len()).rev().filter_map(|at| self.grow(at)).collect()
    }

    /// Grows the window of a connection that has `streams` open, so that unread ones leave room for the others. Leaves a whole window
    /// of the peer's share for a new connection.
    pub(crate) fn cover(&mut self, connection: u64, streams: usize) -> Cover {
        let base = u64::from(self.each - first(self.each));
        let few = FEW.max((self.each / 8 * 7 / STREAM).saturating_sub(1) as usize);
        let Some((_, granted)) = self.granted.iter_mut().find(|(other, _)| *other == connection) else {
            return Cover { window: None, streams: None };
        };
        let steps = streams.saturating_sub(few).div_ceil(STEP) as u64;
        let wanted = (base + steps * STEP as u64 * ROOM).saturating_sub(*granted);
        let more = wanted.min(self.left.saturating_sub(base));
        self.left -= more;
        *granted += more;
        let held = granted.saturating_sub(base) / ROOM;
        Cover {
            window: (more > 0).then_some(u64::from(first(self.each)) + *granted),
            streams: (more == wanted).then_some(few + usize::try_from(held).unwrap_or(usize::MAX)),
        }
    }

    /// Grows the window of a connection from the peer's share. Returns it if it grew.
    fn grow(&mut self, at: usize) -> Option<(u64, u64)> {
        let first = first(self.each);
        let (connection, granted) = &mut self.granted[at];
        let more = u64::from(self.each - first).saturating_sub(*granted).min(self.left);
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
    fn four_connections_have_a_full_window_and_later_ones_inherit() {
        let mut windows = ReceiveWindows::new(EACH, 64 * MIB);
        for connection in 1..=4 {
            assert_eq!(windows.add(connection), 16 * MIB);
        }
        // Four first windows are left.
        assert_eq!(windows.add(5), u64::from(FIRST) * 5);
        assert_eq!(windows.add(6), u64::from(FIRST));
        assert_eq!(windows.add(7), u64::from(FIRST));
        assert_eq!(windows.remove(6), []);
        assert_eq!(windows.remove(1), [(7, 16 * MIB)]);
        assert_eq!(windows.remove(2), [(5, 16 * MIB)]);
        assert_eq!(windows.add(8), u64::from(FIRST) * 5);
        assert_eq!(windows.remove(9), []);
    }

    #[test]
    fn a_small_window_never_exceeds_its_limit() {
        let mut windows = ReceiveWindows::new(1000, 1_000_000);
        assert_eq!((first(1000), windows.add(1), windows.add(2)), (1000, 1000, 1000));
    }

    #[test]
    fn many_streams_get_a_larger_window_within_the_share_of_the_peer() {
        let mut windows = ReceiveWindows::new(EACH, 64 * MIB);
        windows.add(1);
        let step = 4 * ROOM;
        assert_eq!(windows.cover(1, 12), Cover { window: None, streams: Some(12) });
        assert_eq!(windows.cover(1, 13), Cover { window: Some(16 * MIB + step), streams: Some(16) });
        assert_eq!(windows.cover(1, 16), Cover { window: None, streams: Some(16) });
        assert_eq!(windows.cover(1, 24), Cover { window: Some(16 * MIB + 3 * step), streams: Some(24) });
        // A connection that comes later finds a whole window.
        let most = 48 * MIB + 2 * u64::from(FIRST);
        assert_eq!(windows.cover(1, 1000), Cover { window: Some(most), streams: None });
        assert_eq!(windows.add(2), 16 * MIB);
        assert_eq!(windows.cover(2, 13), Cover { window: None, streams: None });
        assert_eq!(windows.remove(1), []);
        assert_eq!(windows.cover(2, 13), Cover { window: Some(16 * MIB + step), streams: Some(16) });
    }

    #[test]
    fn every_covered_stream_can_be_full_and_leaves_room() {
        for each in [EACH, 8 * EACH] {
            let mut windows = ReceiveWindows::new(each, u64::MAX);
            windows.add(1);
            let mut window = u64::from(each);
            for streams in 1..1024 {
                let cover = windows.cover(1, streams);
                window = cover.window.unwrap_or(window);
                let covered = cover.streams.expect("an unbounded share");
                assert!(covered >= streams);
                assert!(window >= covered as u64 * u64::from(STREAM) + MIB, "{window} for {covered}");
                // One of them is read, the others are full.
                let free = window - (covered as u64 - 1) * u64::from(STREAM);
                assert!(free > window / 8, "{free} of {window} for {covered}");
            }
        }
    }

    proptest! {
        #[test]
        fn windows_never_exceed_the_share_of_the_peer_and_none_shrinks(
            events in prop::collection::vec((any::<bool>(), 0usize..8), 0..200),
            all in 0..200 * MIB,
        ) {
            let mut windows = ReceiveWindows::new(EACH, all);
            let mut live: Vec<(u64, u64)> = Vec::new();
            for (next, (comes, at)) in (0u64..).zip(events) {
                if comes || live.is_empty() {
                    live.push((next, windows.add(next)));
                } else {
                    let (gone, _) = live.remove(at % live.len());
                    for (connection, window) in windows.remove(gone) {
                        let known = live.iter_mut().find(|(id, _)| *id == connection).expect("a live one");
                        prop_assert!(window > known.1);
                        known.1 = window;
                    }
                }
                let above = live.iter().map(|(_, window)| window - u64::from(FIRST)).sum::<u64>();
                prop_assert!(above <= all && live.iter().all(|(_, window)| *window <= u64::from(EACH)));
                // No window lies idle that a connection could use.
                prop_assert!(above == all || live.iter().all(|(_, window)| *window == u64::from(EACH)));
            }
        }
    }
}
