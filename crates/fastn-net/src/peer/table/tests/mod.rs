//! Tests of the table on paused time.

mod any_order;
mod checks;
mod older_peers;
mod requests;
mod second_connection;

use std::time::Duration;

use super::*;
use crate::config::Connect;

const POLICY: Policy = Policy {
    connect: Connect {
        retries: None,
        min_delay: Duration::from_millis(100),
        max_delay: Duration::from_secs(30),
        attempt_timeout: Duration::from_secs(10),
    },
    idle_timeout: Duration::from_mins(1),
    ping_timeout: Duration::from_secs(5),
};

/// A table on paused time. Every delay is its upper bound.
struct Timed {
    table: Table,
    requests: u64,
}

impl Timed {
    fn new(smaller: bool) -> Self {
        Self { table: Table::new(smaller, POLICY, Instant::now(), || 1.0), requests: 0 }
    }

    fn on(&mut self, event: Event) -> Vec<Action> {
        self.table.on(Instant::now(), event)
    }

    fn want(&mut self) -> Vec<Action> {
        self.want_with(None, true)
    }

    fn want_with(&mut self, retries: Option<u32>, first_attempt: bool) -> Vec<Action> {
        self.requests += 1;
        self.on(Event::Wanted { request: self.requests, retries, first_attempt })
    }

    /// Sleeps until the next deadline. Returns how long that was, and the actions.
    async fn next(&mut self, seen: TrafficSnapshot) -> (Duration, Vec<Action>) {
        let (start, at) = (Instant::now(), self.table.deadline().expect("a deadline"));
        tokio::time::sleep_until(at).await;
        let samples = self.table.due(Instant::now()).into_iter().map(|id| (id, seen)).collect();
        (start.elapsed(), self.on(Event::Time(samples)))
    }
}

fn native(id: u64, dialled: bool) -> ConnectionFacts {
    ConnectionFacts { id, dialled, is_native: true }
}

fn lost(id: u64) -> Event {
    Event::Lost { id, useful: true, permanent: false }
}

const FAILED: Event = Event::DialFailed { permanent: false };

fn older(id: u64, dialled: bool) -> ConnectionFacts {
    ConnectionFacts { id, dialled, is_native: false }
}
