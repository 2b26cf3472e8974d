//! What steps on render jobs and voice models share, whichever function takes them: the end of a
//! job, the lease of a call to a provider, and what is measured of calls and ends. It links no
//! vendor.

mod end;
mod lease;
mod measure;

pub use end::{CloseError, close};
pub use lease::release;
pub use measure::{Call, Request, called, ended, spent};
