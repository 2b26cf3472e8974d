//! Deletes every version of objects, and looks for them again.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{BoxError, SdkError},
    operation::list_object_versions::ListObjectVersionsOutput,
};

/// Why a version of an object is still there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// S3 refuses: a policy or a lock forbids it, or there is no such bucket. Only the bucket's
    /// owner can change that.
    #[error("S3 refuses to delete it")]
    Refused(#[source] BoxError),
    /// S3 did not do it this time.
    #[error("S3 did not delete it")]
    Failed(#[source] BoxError),
}

impl EraseError {
    fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        match status {
            Some(403..=405) => Self::Refused(error.into()),
            _ => Self::Failed(error.into()),
        }
    }
}

/// Deletes every version of every object whose key begins with `prefix`, and every delete marker,
/// so that nothing of them can be had back; returns how many objects there were.
///
/// # Errors
/// An [`EraseError`]. What S3 refuses to delete stops nothing else.
pub async fn erase_objects(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
) -> Result<usize, EraseError> {
    let bucket = Bucket {
        s3,
        name: bucket,
        owner: None,
    };
    erase_all(bucket, prefix, |_| true).await
}

/// Deletes one object, with all its versions; returns how many objects there were, 0 or 1. S3
/// refuses if the bucket is of another account than `owner`.
///
/// # Errors
/// An [`EraseError`].
pub async fn erase_object(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    owner: Option<&str>,
    key: &str,
) -> Result<usize, EraseError> {
    let bucket = Bucket {
        s3,
        name: bucket,
        owner,
    };
    erase_all(bucket, key, |found| found == key).await
}

/// A bucket, and the account that it must be of.
#[derive(Clone, Copy)]
struct Bucket<'a> {
    s3: &'a aws_sdk_s3::Client,
    name: &'a str,
    owner: Option<&'a str>,
}

/// A version of an object, or a delete marker: its key, and its id.
type Version = (String, Option<String>);

/// Lists again and again, and deletes what is meant, until a listing has nothing new.
async fn erase_all(
    bucket: Bucket<'_>,
    prefix: &str,
    is_meant: impl Fn(&str) -> bool,
) -> Result<usize, EraseError> {
    // Each version that was met, and whether it is deleted.
    let mut met: BTreeMap<Version, bool> = BTreeMap::new();
    let mut refusal = None;
    loop {
        let mut is_news = false;
        for version in list(bucket, prefix, &is_meant).await? {
            match met.get(&version) {
                Some(true) => return Err(EraseError::Failed(still_listed(&version))),
                Some(false) => continue,
                None => is_news = true,
            }
            let is_deleted = match delete(bucket, &version).await {
                Ok(()) => true,
                Err(refused @ EraseError::Refused(_)) => {
                    refusal = Some(refused);
                    false
                }
                Err(failed) => return Err(failed),
            };
            met.insert(version, is_deleted);
        }
        if !is_news {
            break;
        }
    }
    refusal.map_or_else(|| Ok(objects_of(&met)), Err)
}

/// Every version and delete marker of what is meant of the objects whose key begins with `prefix`.
/// S3 lists in the keys' order, so what is meant comes first: it is all of them, or the one whose
/// key is the prefix.
async fn list(
    bucket: Bucket<'_>,
    prefix: &str,
    is_meant: &impl Fn(&str) -> bool,
) -> Result<Vec<Version>, EraseError> {
    let mut versions = Vec::new();
    let (mut key, mut version) = (None, None);
    loop {
        let list = bucket.s3.list_object_versions().bucket(bucket.name);
        let list = list.prefix(prefix);
        let list = list.set_expected_bucket_owner(bucket.owner.map(str::to_owned));
        let list = list.set_key_marker(key).set_version_id_marker(version);
        let page = list.send().await.map_err(EraseError::of)?;
        let (meant, others): (Vec<_>, Vec<_>) =
            versions_of(&page).partition(|(key, _)| is_meant(key));
        versions.extend(meant);
        if !others.is_empty() || page.is_truncated() != Some(true) {
            return Ok(versions);
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
}

fn versions_of(page: &ListObjectVersionsOutput) -> impl Iterator<Item = Version> {
    let versions = page.versions().iter();
    let versions = versions.map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter();
    let markers = markers.map(|marker| (marker.key(), marker.version_id()));
    let owned = |(key, version): (Option<&str>, Option<&str>)| {
        let key = key.unwrap_or_default().to_owned();
        (key, version.map(str::to_owned))
    };
    versions.chain(markers).map(owned)
}

async fn delete(bucket: Bucket<'_>, (key, version): &Version) -> Result<(), EraseError> {
    let delete = bucket.s3.delete_object().bucket(bucket.name).key(key);
    let delete = delete.set_expected_bucket_owner(bucket.owner.map(str::to_owned));
    let delete = delete.set_version_id(version.clone());
    delete.send().await.map_err(EraseError::of)?;
    Ok(())
}

fn still_listed((key, _): &Version) -> BoxError {
    format!("S3 still lists a version of {key} that it deleted").into()
}

/// How many objects these are versions of.
fn objects_of(met: &BTreeMap<Version, bool>) -> usize {
    let mut keys: Vec<&str> = met.keys().map(|(key, _)| key.as_str()).collect();
    keys.dedup();
    keys.len()
}
