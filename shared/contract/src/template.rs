//! The data of `eventzr.studio.template.created|updated.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Configuration, Entity, FileFormat, Shows};

/// The complete current state of a template. Of two events about one template, the one with the
/// higher `revision` is valid; each is complete without the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// The tenant that owns the template.
    pub tenant_id: String,
    /// The user who triggered the change; `studio-svc` if the trigger names no user.
    pub user_id: String,
    /// The template's id.
    pub template_id: String,
    /// The kind of asset.
    pub kind: AssetKind,
    /// The entity that the template is about.
    pub entity: Entity,
    /// 1 for a new template, or more if the studio forgot it for a while; each change adds 1.
    pub revision: u64,
    /// The facts it shows.
    pub configuration: Configuration,
    /// Its newest rendered asset; absent until the first render completes. It may show the
    /// configuration of an earlier revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<TemplateAsset>,
}

/// A rendered asset of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateAsset {
    /// The job that rendered it.
    pub job_id: String,
    /// The file's stable, unsigned URL.
    pub output_url: String,
    /// In pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// In pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The format of the file.
    pub format: FileFormat,
    /// What it shows of its job; empty for video and audio.
    #[serde(flatten)]
    pub shows: Shows,
}
