//! The vendor sandbox: one small server that implements the media vendors' endpoints as documented,
//! and misbehaves as a test scripts it.
//!
//! The functions find it through the ordinary base URL settings and do not know that it is a
//! sandbox. Each vendor's file names the sources of its answers. It may use none of the code that
//! calls the vendors, because then both could be wrong in the same way.

mod book;
mod elevenlabs;
mod exchange;
mod openai;
mod polly;
mod refusals;
mod runway;
mod script;
mod server;
mod tasks;
mod vendor;

pub use book::Call;
pub use refusals::{Refusal, refusal};
pub use script::{Behaviour, Script};
pub use server::Sandbox;
pub use vendor::Vendor;

/// Two seconds of sound as MP3: what the vendors of speech answer. A test may also use it as a
/// recording.
pub static SPEECH: &[u8] = include_bytes!("../fixtures/two-seconds.mp3");
