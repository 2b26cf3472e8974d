//! A batch as the mapping sends it, with every outcome of every call. Nothing here waits: the
//! effects and the clock are scripted.

mod drawn;
mod lost;
mod other_writers;
mod poison;
mod script;
mod turns;
mod undrawn;
mod waiting;
mod world;
