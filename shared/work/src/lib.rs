//! What steps on render jobs and voice models share, whichever function takes them: where their
//! files lie, the end of a job, the lease of a call to a provider, and what is measured of calls
//! and ends.

mod end;
mod lease;
mod look;
mod measure;
mod paths;

pub use end::{CloseError, close};
pub use lease::release;
pub use look::look;
pub use measure::{Call, Request, called, ended, spent};
pub use paths::{Paths, PathsError};
