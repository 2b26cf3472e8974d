//! A picture that is drawn at once: the canvas draws it, with the brand's logo, and it goes into
//! the bucket of the assets as one file. No vendor is asked.
//!
//! [`StudioCanvas`] alone is also what a vendor's picture gets its text from (`providers`), and
//! [`Drawer`] also stores files of other makers that are in memory as a whole.

mod config;
mod drawer;
mod files;
mod logo;
mod provenance;
mod studio_canvas;

pub use canvas::{Language, PaintingError, RenderError, day};
pub use config::{Config, ConfigError};
pub use drawer::Drawer;
pub use files::{CACHE, DeleteError, PutError, content_type};
pub use logo::{FetchError, UnfitLogo, is_forbidden, logo_of};
pub use studio_canvas::{DrawError, Picture, StudioCanvas};
