//! Handles: an index and a generation in one safe integer, so that a late call never reaches another object.

use std::{
    fs::File,
    sync::Arc,
    task::{Context, Waker},
};

use fastn_net::{
    AuthorizationRequests, Code, Connection, ConnectionGuard, ConnectionListener, Endpoint, Error, KeepConnected,
    Listener, Peer, Protocol, Result, Stream, Watch, tunnel::Tunnel,
};

use super::{
    operation::Operation,
    wakes::{Wakes, Word},
};
use crate::subscriber::Records;

/// Limit of handles at a time, as a power of 2.
const INDEX_BITS: u32 = 24;
/// An f64 holds integers of 53 bits.
const GENERATIONS: u32 = 1 << (53 - INDEX_BITS);

/// The object of a handle.
pub(crate) enum Slot {
    Free,
    Operation(Operation),
    Endpoint(Endpoint),
    Peer(Endpoint, Arc<Peer>),
    /// Held for what its end does.
    KeepConnected(#[expect(dead_code)] KeepConnected),
    Connection(Box<ConnectionSlot>),
    Listener(Listener),
    ConnectionListener(Endpoint, ConnectionListener),
    Watch(Watch),
    AuthorizationRequests(AuthorizationRequests),
    Stream(Box<StreamSlot>),
    /// A stream that was over before JavaScript knew: its peer's FIN came while no call read. The next call answers EOF.
    EndedStream,
    Log(Records),
    /// Held for what its end does.
    FileLock(#[expect(dead_code)] File),
    Tunnel(Arc<Tunnel>),
}

/// A connection with a handle.
pub(crate) struct ConnectionSlot {
    pub(crate) endpoint: Endpoint,
    pub(crate) connection: Connection,
    /// Keeps the connection from idling out; `None` for an observer.
    pub(crate) view: Option<ConnectionGuard>,
}

impl ConnectionSlot {
    /// In use until it is disposed.
    pub(crate) fn held(endpoint: Endpoint, view: ConnectionGuard) -> Slot {
        let connection = Connection::clone(&view);
        Slot::Connection(Box::new(Self { endpoint, connection, view: Some(view) }))
    }

    /// Never counts as use.
    pub(crate) fn observed(endpoint: Endpoint, connection: Connection) -> Slot {
        Slot::Connection(Box::new(Self { endpoint, connection, view: None }))
    }
}

/// A stream, and the state that only JavaScript needs.
pub(crate) struct StreamSlot {
    pub(crate) stream: Stream,
    /// Protocol from the header, for a stream without a route of its listener.
    pub(crate) protocol: Option<Protocol>,
}

impl StreamSlot {
    /// The halves that are over, with nothing left to report, as bits: 1 receiving, 2 sending, 4 receiving by the FIN.
    pub(crate) fn over(&self) -> u8 {
        let received = u8::from(self.stream.is_recv_done()) | u8::from(self.stream.is_at_end()) << 2;
        received | u8::from(self.stream.is_send_reported()) << 1
    }

    /// Whether a peer opened it to this endpoint and it has not ended.
    pub(crate) fn is_served_by(&self, endpoint: &Endpoint) -> bool {
        self.stream.is_accepted() && !self.stream.is_over() && endpoint.has_connection(self.stream.connection())
    }
}

/// All objects of one JavaScript thread.
pub(crate) struct Table {
    entries: Vec<Entry>,
    free: Vec<u32>,
    wakes: Arc<Wakes>,
}

struct Entry {
    generation: u32,
    slot: Slot,
    /// Allocated when first needed, and reused by later handles at this index.
    wakers: [Option<Waker>; 4],
}

/// One of a handle's wakers.
#[derive(Clone, Copy)]
pub(crate) enum Channel {
    Read = 0,
    Write = 1,
    Done = 2,
    Ended = 3,
}

impl Table {
    pub(crate) fn new(wakes: Arc<Wakes>) -> Self {
        Self { entries: Vec::new(), free: Vec::new(), wakes }
    }

    /// # Errors
    ///
    /// `ERR_BUSY` when 2^24 handles exist.
    pub(crate) fn insert(&mut self, slot: Slot) -> Result<f64> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.entries.len() >> INDEX_BITS == 0 => {
                self.entries.push(Entry { generation: 1, slot: Slot::Free, wakers: [const { None }; 4] });
                u32::try_from(self.entries.len() - 1).expect("below 2^24")
            }
            None => return Err(Error::new(Code::Busy, "too many open streams and operations: close some")),
        };
        let entry = &mut self.entries[index as usize];
        entry.slot = slot;
        Ok(handle(entry.generation, index))
    }

    /// Reserves a handle for [`Self::fill`], and allocates its waker before.
    pub(crate) fn reserve(&mut self, channel: Channel) -> Result<(f64, Waker)> {
        let handle = self.insert(Slot::Free)?;
        let waker = self.poll_index(parts(handle).1, channel, |_, cx| cx.waker().clone());
        Ok((handle, waker))
    }

    pub(crate) fn fill(&mut self, reserved: f64, slot: Slot) {
        self.entries[parts(reserved).1 as usize].slot = slot;
    }

    /// Empties a handle. The caller drops the returned object outside any borrow.
    pub(crate) fn remove(&mut self, handle: f64) -> Slot {
        match self.find(handle) {
            Some(index) => self.free(index),
            None => Slot::Free,
        }
    }

    pub(crate) fn slot(&mut self, handle: f64) -> Option<&mut Slot> {
        let index = self.find(handle)?;
        Some(&mut self.entries[index as usize].slot)
    }

    /// A handle's slot together with a context of one of its wakers.
    pub(crate) fn poll<R>(
        &mut self,
        handle: f64,
        channel: Channel,
        f: impl FnOnce(&mut Slot, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let index = self.find(handle)?;
        Some(self.poll_index(index, channel, f))
    }

    fn poll_index<R>(&mut self, index: u32, channel: Channel, f: impl FnOnce(&mut Slot, &mut Context<'_>) -> R) -> R {
        let entry = &mut self.entries[index as usize];
        let make = || Word::waker(&self.wakes, index * 4 + channel as u32);
        let waker = entry.wakers[channel as usize].get_or_insert_with(make);
        f(&mut entry.slot, &mut Context::from_waker(waker))
    }

    /// Polls a stream for itself, not for a caller: an end is not reported, so the handle stays. The caller drops the returned object
    /// outside any borrow.
    pub(crate) fn advance_stream(&mut self, index: u32, f: impl FnOnce(&mut StreamSlot, &mut Context<'_>)) -> Slot {
        if (index as usize) >= self.entries.len() {
            return Slot::Free;
        }
        let is_over = self.poll_index(index, Channel::Read, |slot, cx| {
            let Slot::Stream(slot) = slot else { return false };
            f(slot, cx);
            slot.stream.is_over()
        });
        if !is_over {
            return Slot::Free;
        }
        std::mem::replace(&mut self.entries[index as usize].slot, Slot::EndedStream)
    }

    fn free(&mut self, index: u32) -> Slot {
        let entry = &mut self.entries[index as usize];
        entry.generation += 1;
        if entry.generation == GENERATIONS {
            entry.generation = 1;
        }
        self.free.push(index);
        std::mem::replace(&mut entry.slot, Slot::Free)
    }

    /// Number of live handles.
    pub(crate) fn count(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// The handles of some streams.
    pub(crate) fn streams(&self, wanted: impl Fn(&StreamSlot) -> bool) -> Vec<f64> {
        let entries = self.entries.iter().enumerate();
        let wanted = |(index, entry): (usize, &Entry)| match &entry.slot {
            Slot::Stream(slot) if wanted(slot) => {
                u32::try_from(index).ok().map(|index| handle(entry.generation, index))
            }
            _ => None,
        };
        entries.filter_map(wanted).collect()
    }

    pub(crate) fn each_stream(&mut self, mut f: impl FnMut(&mut StreamSlot)) {
        for entry in &mut self.entries {
            if let Slot::Stream(slot) = &mut entry.slot {
                f(slot);
            }
        }
    }

    /// Takes all objects, for the end of the thread.
    pub(crate) fn drain(&mut self) -> Vec<Slot> {
        self.free.clear();
        self.entries.drain(..).map(|entry| entry.slot).collect()
    }

    /// Index of a live handle.
    pub(crate) fn find(&self, handle: f64) -> Option<u32> {
        let (generation, index) = parts(handle);
        let entry = self.entries.get(index as usize)?;
        (entry.generation == generation && !matches!(entry.slot, Slot::Free)).then_some(index)
    }
}

fn handle(generation: u32, index: u32) -> f64 {
    f64::from(generation) * f64::from(1 << INDEX_BITS) + f64::from(index)
}

/// Generation and index of a handle. Generation 0 means an invalid handle.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "handles are whole and below 2^53")]
fn parts(handle: f64) -> (u32, u32) {
    let whole = handle as u64;
    ((whole >> INDEX_BITS) as u32, whole as u32 & ((1 << INDEX_BITS) - 1))
}
