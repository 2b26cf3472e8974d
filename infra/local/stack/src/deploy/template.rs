//! The template as `sam package` would rewrite it: code and definitions are objects in the bucket.

use super::error::Error;

/// The bucket of the deployment.
pub(super) const BUCKET: &str = "studio-local-deployment";

/// The template ready for CreateStack, and the objects that it needs in the bucket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packaged {
    pub template: String,
    /// The functions whose code the template names.
    pub functions: Vec<String>,
    /// The state machines whose definitions the template names.
    pub definitions: Vec<String>,
}

/// Rewrites the lines that `sam package` would rewrite, and changes no other byte. A line of
/// another form is an error, and is not skipped.
pub(super) fn package(template: &str) -> Result<Packaged, Error> {
    let mut packaged = Packaged {
        template: String::with_capacity(template.len()),
        functions: vec![],
        definitions: vec![],
    };
    for (index, whole) in template.split_inclusive('\n').enumerate() {
        let line = whole.trim_end_matches(['\r', '\n']);
        let content = line.trim_start();
        let (name, prefix, suffix, expected) = if content.starts_with("CodeUri:") {
            (
                "CodeUri",
                "CodeUri: ../target/lambda/",
                "/",
                "CodeUri: ../target/lambda/<function>/",
            )
        } else if content.starts_with("DefinitionUri:") {
            (
                "DefinitionUri",
                "DefinitionUri: statemachines/",
                ".asl.json",
                "DefinitionUri: statemachines/<name>.asl.json",
            )
        } else {
            packaged.template.push_str(whole);
            continue;
        };
        let is_name = |part: &&str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '-')
        };
        let part = content
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(suffix))
            .filter(is_name);
        let part = part.ok_or_else(|| Error::Line {
            number: index + 1,
            line: content.to_owned(),
            expected,
        })?;
        let (key, list) = match name {
            "CodeUri" => (function_key(part), &mut packaged.functions),
            _ => (definition_key(part), &mut packaged.definitions),
        };
        if !list.iter().any(|listed| listed == part) {
            list.push(part.to_owned());
        }
        let (indent, end) = (&line[..line.len() - content.len()], &whole[line.len()..]);
        packaged.template.push_str(&format!(
            "{indent}{name}: {{Bucket: {BUCKET}, Key: {key}}}{end}"
        ));
    }
    Ok(packaged)
}

/// The key of a function's code.
pub(super) fn function_key(function: &str) -> String {
    format!("{function}.zip")
}

/// The key of a state machine's definition.
pub(super) fn definition_key(name: &str) -> String {
    format!("{name}.asl.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_addresses_of_code_and_definitions_change() {
        let template = "Resources:\r\n  A:\n    Properties:\n      # CodeUri: elsewhere\n      CodeUri: ../target/lambda/event-created/\n      \
                        Handler: bootstrap  \n  B:\n      CodeUri: ../target/lambda/event-created/\r\n  C:\n    \
                        DefinitionUri: statemachines/render.asl.json";
        let packaged = package(template).expect("understood");
        assert_eq!(
            packaged.template,
            "Resources:\r\n  A:\n    Properties:\n      # CodeUri: elsewhere\n      CodeUri: {Bucket: studio-local-deployment, Key: event-created.zip}\n      \
             Handler: bootstrap  \n  B:\n      CodeUri: {Bucket: studio-local-deployment, Key: event-created.zip}\r\n  C:\n    \
             DefinitionUri: {Bucket: studio-local-deployment, Key: render.asl.json}"
        );
        assert_eq!(
            (packaged.functions, packaged.definitions),
            (vec!["event-created".to_owned()], vec!["render".to_owned()])
        );
    }

    #[test]
    fn a_line_of_another_form_is_refused_and_quoted() {
        for line in [
            "CodeUri: ../target/lambda/event-created",
            "CodeUri: ../target/lambda/../x/",
            "CodeUri: {Bucket: a, Key: b}",
            "CodeUri:",
            "DefinitionUri: statemachines/render.json",
            "DefinitionUri: s3://bucket/render.asl.json",
        ] {
            match package(&format!("Resources:\n    {line}\n")) {
                Err(Error::Line {
                    number: 2,
                    line: named,
                    ..
                }) => assert_eq!(named, line),
                other => panic!("{line}: {other:?}"),
            }
        }
    }
}
