//! The files of a crate import each other without a circle: a helper never lives in the file of one
//! of its callers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::workspace::crates;

/// A module path within its crate: empty for the root.
type Module = Vec<String>;

/// A crate's modules with their sources, without their unit tests.
type Sources = BTreeMap<Module, String>;

#[test]
fn the_files_of_a_crate_import_each_other_without_a_circle() {
    let mut all = Vec::new();
    for one in crates() {
        // The end-to-end tests have no `src`.
        let folder = match one.folder.as_str() {
            "tests" => one.path().join("it"),
            _ => one.path().join("src"),
        };
        let sources = sources(&folder);
        assert!(!sources.is_empty(), "{} has no files", folder.display());
        let circles = circles(&sources);
        if !circles.is_empty() {
            all.push(format!("{}: {circles:?}", folder.display()));
        }
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn a_circle_is_found_through_use_trees_supers_and_reexports() {
    let of = |files: &[(&str, &str)]| {
        let sources = files
            .iter()
            .map(|(name, text)| (path(name), (*text).to_owned()));
        circles(&sources.collect())
    };
    let root = ("", "mod a; mod b; pub use a::Thing;");
    let free = [
        root,
        ("a", "use std::fs; struct Thing;"),
        ("b", "use crate::Thing;"),
    ];
    assert!(of(&free).is_empty());
    for (a, b) in [
        ("use crate::{b::{c, d}, e};", "use crate::Thing;"),
        ("fn f() { crate::b::c() }", "use super::a;"),
        ("use super::b as other;", "pub(crate) use crate::a::Thing;"),
    ] {
        let circle = [BTreeSet::from([path("a"), path("b")])];
        assert_eq!(of(&[root, ("a", a), ("b", b)]), circle, "{a} {b}");
    }
}

fn path(name: &str) -> Module {
    let parts = name.split("::").filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn sources(folder: &Path) -> Sources {
    let mut sources = Sources::new();
    let mut folders = vec![(folder.to_owned(), Module::new())];
    while let Some((folder, module)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut within = module.clone();
            if entry.is_dir() {
                within.push(name);
                folders.push((entry, within));
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                if !["lib", "main", "mod"].contains(&name.as_str()) {
                    within.push(name);
                }
                let text = fs::read_to_string(&entry).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let lines = code.lines().map(|line| line.split("//").next().unwrap());
                sources.insert(within, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    sources
}

/// The strongly connected modules of more than one file.
fn circles(sources: &Sources) -> Vec<BTreeSet<Module>> {
    let imports: BTreeMap<&Module, BTreeSet<Module>> = sources
        .iter()
        .map(|(module, text)| (module, imports(sources, module, text)))
        .collect();
    let reached = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = next.pop() {
            for import in &imports[&module] {
                if seen.insert(import.clone()) {
                    next.push(import.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = sources
        .keys()
        .map(|module| (module, reached(module)))
        .collect();
    let mut circles = BTreeSet::new();
    for (module, reaches) in &reached {
        let back = reaches
            .iter()
            .filter(|other| reached[other].contains(*module));
        let circle: BTreeSet<Module> = back.cloned().collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// The other files of the crate that a file names. The root is none: it only lists the others.
fn imports(sources: &Sources, module: &Module, text: &str) -> BTreeSet<Module> {
    let named = paths(text).into_iter().filter_map(|names| {
        let mut at = match names[0].as_str() {
            "crate" => Module::new(),
            _ => module.clone(),
        };
        let supers = names.iter().take_while(|name| *name == "super").count();
        at.truncate(at.len().checked_sub(supers)?);
        at.extend(names.into_iter().skip(supers.max(1)));
        file_of(sources, at, 0)
    });
    named
        .filter(|file| !file.is_empty() && file != module)
        .collect()
}

/// The file that defines `at`, followed through re-exports.
fn file_of(sources: &Sources, at: Module, depth: usize) -> Option<Module> {
    let file = (0..=at.len()).rev().map(|length| at[..length].to_vec());
    let file = file.into_iter().find(|file| sources.contains_key(file))?;
    let Some(item) = at.get(file.len()).filter(|_| depth < 5) else {
        return Some(file);
    };
    for names in use_trees(&sources[&file])
        .into_iter()
        .flat_map(|tree| flat(&tree))
    {
        if names.len() > 1 && names.last() == Some(item) {
            let inner: Module = match names[0].as_str() {
                "crate" => names[1..].to_vec(),
                "super" | "std" => continue,
                _ => file.iter().cloned().chain(names).collect(),
            };
            if inner != at && sources.contains_key(&inner[..inner.len() - 1]) {
                return file_of(sources, inner, depth + 1);
            }
        }
    }
    Some(file)
}

/// All paths of a file that begin with `crate` or `super`.
fn paths(text: &str) -> Vec<Module> {
    let mut paths: Vec<Module> = use_trees(text).iter().flat_map(|tree| flat(tree)).collect();
    for begin in ["crate::", "super::"] {
        for (at, _) in text.match_indices(begin) {
            let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let end = text[at..].find(|c| !is_path(c)).unwrap_or(text.len() - at);
            paths.push(path(&text[at..at + end]));
        }
    }
    paths.retain(|names| ["crate", "super"].contains(&names[0].as_str()));
    paths
}

/// What stands between each `use` and its semicolon.
fn use_trees(text: &str) -> Vec<String> {
    let statements = text.split(';').filter_map(|statement| {
        let at = statement.rfind("use ")?;
        let before = statement[..at].trim_end();
        let is_use = before.is_empty() || before.ends_with(['}', ']', ')', 'b', '\n']);
        is_use.then(|| {
            statement[at + 4..]
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
    });
    statements.collect()
}

/// The paths of a use tree.
fn flat(tree: &str) -> Vec<Module> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = path(tree.split(" as ").next().unwrap());
        return if path.is_empty() {
            Vec::new()
        } else {
            vec![path]
        };
    };
    let prefix = path(&tree[..open]);
    let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut begin, mut branches) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&inner[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&inner[begin..]);
    let branches = branches.into_iter().flat_map(flat);
    branches
        .map(|branch| prefix.iter().cloned().chain(branch).collect())
        .collect()
}
