//! The demos: each starts a stack of its own, follows one thing to its end, and keeps the results
//! in a folder.

mod error;
pub mod event;
mod foreseen;
mod results;
pub mod voice;

pub use error::Error;
