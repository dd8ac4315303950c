//! The wake queue and the handle table of the binding.

#[path = "../../crates/fastn-net-node/src/bridge/table.rs"]
mod table;
#[path = "../../crates/fastn-net-node/src/bridge/wakes.rs"]
mod wakes;

mod operation {
    pub(super) struct Operation;
}

mod handle_table;
mod wake_queue;
