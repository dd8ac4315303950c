//! The stream errors that `deliveries.rs` uses.

pub mod endpoint {
    #[derive(Clone, Copy, Debug)]
    pub struct VarInt(pub u64);

    #[derive(Clone, Debug)]
    pub struct StoppedError;

    #[derive(Clone, Debug)]
    pub enum WriteError {
        Stopped(VarInt),
        Lost,
    }
}
