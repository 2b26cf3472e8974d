//! Processes on this machine: starts groups of them that cannot outlive their owner, and finds out
//! which process, of which user, is at the other end of a connection.
//!
//! It may leave no process behind, even if its owner is killed. It reads `/proc`, so it works on
//! Linux only.

mod group;
mod memory;
mod owner;
mod socket;

pub use group::{Group, freeze, go_on, kill, members, terminate};
pub use memory::peak_resident_bytes;
pub use owner::{is_connection_of_this_user, owner_of_connection, owner_of_listener};
