//! What steps on render jobs and voice models share, whichever function takes them: the end of a
//! job, the lease of a call to a provider, and what is measured of calls and ends, and said of what
//! an asset does not show. It links no vendor.

mod end;
mod lease;
mod measure;
mod undrawn;

pub use end::{CloseError, close};
pub use lease::release;
pub use measure::{Call, Request, called, ended, spent};
pub use undrawn::{count_undrawn, say_undrawn};
