//! The page: its files, which are compiled into the program, and its content security policy.

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    path: &'static str,
    pub content_type: &'static str,
    pub text: &'static str,
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [File; 18] = [
    File {
        path: "/",
        content_type: "text/html; charset=utf-8",
        text: include_str!("index.html"),
    },
    File {
        path: "/icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("icon.svg"),
    },
    File {
        path: "/console.css",
        content_type: STYLE,
        text: include_str!("console.css"),
    },
    File {
        path: "/console.js",
        content_type: SCRIPT,
        text: include_str!("console.js"),
    },
    File {
        path: "/ask.js",
        content_type: SCRIPT,
        text: include_str!("ask.js"),
    },
    File {
        path: "/asset.js",
        content_type: SCRIPT,
        text: include_str!("asset.js"),
    },
    File {
        path: "/confirm.js",
        content_type: SCRIPT,
        text: include_str!("confirm.js"),
    },
    File {
        path: "/correct.js",
        content_type: SCRIPT,
        text: include_str!("correct.js"),
    },
    File {
        path: "/describe.js",
        content_type: SCRIPT,
        text: include_str!("describe.js"),
    },
    File {
        path: "/dom.js",
        content_type: SCRIPT,
        text: include_str!("dom.js"),
    },
    File {
        path: "/events.js",
        content_type: SCRIPT,
        text: include_str!("events.js"),
    },
    File {
        path: "/gallery.js",
        content_type: SCRIPT,
        text: include_str!("gallery.js"),
    },
    File {
        path: "/jobs.js",
        content_type: SCRIPT,
        text: include_str!("jobs.js"),
    },
    File {
        path: "/live.js",
        content_type: SCRIPT,
        text: include_str!("live.js"),
    },
    File {
        path: "/dead-letters.js",
        content_type: SCRIPT,
        text: include_str!("dead-letters.js"),
    },
    File {
        path: "/waiting.js",
        content_type: SCRIPT,
        text: include_str!("waiting.js"),
    },
    File {
        path: "/walk.js",
        content_type: SCRIPT,
        text: include_str!("walk.js"),
    },
    File {
        path: "/why.js",
        content_type: SCRIPT,
        text: include_str!("why.js"),
    },
];

/// The file at a path.
pub(super) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// The content security policy: the page may run its own scripts, call its own server, and show
/// files from `assets`. Text can never become markup, because there is no Trusted Types policy that
/// could create any.
pub(super) fn policy(assets: &str) -> String {
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        &format!("img-src 'self' {assets}"),
        &format!("media-src {assets}"),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_that_the_page_refers_to_exists() {
        let named: Vec<&str> = FILES
            .iter()
            .flat_map(|file| file.text.split(['"', '\'']))
            .filter(|text| text.starts_with("./") || text.starts_with('/'))
            .filter(|text| {
                [".js", ".css", ".svg"]
                    .iter()
                    .any(|end| text.ends_with(end))
            })
            .collect();
        assert!(named.len() > FILES.len(), "{named:?}");
        for name in named {
            assert!(
                file(name.trim_start_matches('.')).is_some(),
                "{name} is not there"
            );
        }
    }

    #[test]
    fn the_page_neither_turns_text_into_markup_nor_breaks_its_policy() {
        for file in &FILES {
            for banned in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                " style=",
                " onclick=",
            ] {
                assert!(!file.text.contains(banned), "{} has {banned}", file.path);
            }
        }
        assert!(policy("http://127.0.0.1:1").contains("img-src 'self' http://127.0.0.1:1; "));
    }
}
