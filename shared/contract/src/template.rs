//! The data of `eventzr.studio.template.created|updated.v1`.

use serde::{Deserialize, Serialize};

use crate::{AssetKind, Configuration, Entity, Format};

/// A template as it now is, whole: of two events about one template the one with the higher
/// `revision` holds, and neither needs the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Whose template it is.
    pub tenant_id: String,
    /// Who triggered the change; `studio-svc` where the trigger names nobody.
    pub user_id: String,
    /// The template's id.
    pub template_id: String,
    /// What it makes.
    pub kind: AssetKind,
    /// What it is about.
    pub entity: Entity,
    /// 1 for a new template, and one more with each change.
    pub revision: u64,
    /// The facts it shows.
    pub configuration: Configuration,
    /// Its newest rendered asset; absent until there is one. It may be of an earlier revision's
    /// configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<TemplateAsset>,
}

/// A rendered asset of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateAsset {
    /// The job that made it.
    pub job_id: String,
    /// Where the file is: a stable URL, not signed.
    pub output_url: String,
    /// Pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels; absent for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The format of the file.
    pub format: Format,
}
