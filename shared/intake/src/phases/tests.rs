//! The phases of a batch as the mapping sends it, with every outcome of every call. Nothing here
//! waits: the effects and the clock are scripted.
//!
//! Each case ends with [`settles`](world::World::settles): what was to be delivered again is
//! delivered again, and nothing is lost, doubled or out of order.

mod any;
mod commit;
mod publish;
mod report;
mod script;
mod send;
mod set_aside;
mod time;
mod together;
mod world;
