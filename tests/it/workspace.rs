//! The crates of the workspace, as Cargo itself reads their manifests: however a dependency is
//! written there, it is seen.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use local::checkout::Checkout;
use serde_json::Value;

/// A crate of the workspace.
pub struct Crate {
    /// Its package name.
    pub name: String,
    /// Its folder, from the checkout's root: `shared/domain`.
    pub folder: String,
    /// The packages that it depends on, except those for its tests only.
    pub dependencies: BTreeSet<String>,
}

impl Crate {
    /// The folder that its own folder is in: `shared`.
    pub fn parent(&self) -> &str {
        self.folder
            .rsplit_once('/')
            .map_or("", |(parent, _)| parent)
    }

    /// The whole path of its folder.
    pub fn path(&self) -> PathBuf {
        root().join(&self.folder)
    }
}

fn root() -> PathBuf {
    Checkout::find().unwrap().root.canonicalize().unwrap()
}

/// Every crate of the workspace.
pub fn crates() -> &'static [Crate] {
    static CRATES: LazyLock<Vec<Crate>> = LazyLock::new(read);
    &CRATES
}

fn read() -> Vec<Crate> {
    let ran = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let metadata: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let crates: Vec<Crate> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(of_package)
        .collect();
    assert!(crates.len() >= 30, "only {} crates are found", crates.len());
    crates
}

fn of_package(package: &Value) -> Crate {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let manifest = text(&package["manifest_path"]);
    let folder = Path::new(&manifest).parent().unwrap();
    let folder = folder.strip_prefix(root()).unwrap();
    let all = package["dependencies"].as_array().unwrap().iter();
    let linked = all.filter(|dependency| dependency["kind"] != "dev");
    Crate {
        name: text(&package["name"]),
        folder: folder.to_str().unwrap().to_owned(),
        // The package's own name, whatever the manifest renames it to.
        dependencies: linked.map(|dependency| text(&dependency["name"])).collect(),
    }
}

/// The crate in `folder`.
pub fn crate_in(folder: &str) -> &'static Crate {
    let found = crates().iter().find(|one| one.folder == folder);
    found.unwrap_or_else(|| panic!("there is no crate in {folder}"))
}
