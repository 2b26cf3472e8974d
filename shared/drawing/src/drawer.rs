//! The canvas and the bucket, made once per execution environment.

use asset_paths::Paths;
use aws_config::SdkConfig;
use canvas::RenderError;
use domain::Job;

use crate::{Config, DrawError, Picture, StudioCanvas};

/// Draws pictures, and stores files in the bucket of the assets.
#[derive(Debug)]
pub struct Drawer {
    /// The renderer.
    pub canvas: StudioCanvas,
    /// The client of S3.
    pub s3: aws_sdk_s3::Client,
    /// The paths of the assets.
    pub paths: Paths,
    /// Where pictures go and what they are drawn with.
    pub config: Config,
}

impl Drawer {
    /// Loads the renderer and makes the clients. Makes no call; [`Paths::read_early`] is for the
    /// init phase.
    ///
    /// # Errors
    /// A [`RenderError`] if a built-in font cannot be read, or the folder of fonts lacks one.
    pub fn new(config: Config, aws: &SdkConfig) -> Result<Self, RenderError> {
        Ok(Self {
            canvas: StudioCanvas::new(&config.fonts_folder)?,
            s3: aws_sdk_s3::Client::new(aws),
            paths: Paths::new(aws, config.asset_paths_secret.clone()),
            config,
        })
    }

    /// Draws the asset of `job` with its brand's `logo`, a file. It blocks the thread for some tens
    /// of milliseconds.
    ///
    /// # Errors
    /// A [`DrawError`].
    pub fn draw(&self, job: &Job, logo: Option<&[u8]>) -> Result<Picture, DrawError> {
        self.canvas.draw(job, logo, None)
    }

    /// The public address of the asset with the key `key`.
    #[must_use]
    pub fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.config.asset_base_url)
    }
}
