//! Apache Kafka's programs for people, under the names that its archive gives them. Maven Central has
//! their code, and not the scripts that start it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The scripts, with the class that each runs.
const TOOLS: [(&str, &str); 7] = [
    ("kafka-configs.sh", "org.apache.kafka.tools.ConfigCommand"),
    (
        "kafka-console-consumer.sh",
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
    ),
    (
        "kafka-console-producer.sh",
        "org.apache.kafka.tools.ConsoleProducer",
    ),
    (
        "kafka-consumer-groups.sh",
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    ),
    (
        "kafka-delete-records.sh",
        "org.apache.kafka.tools.DeleteRecordsCommand",
    ),
    (
        "kafka-get-offsets.sh",
        "org.apache.kafka.tools.GetOffsetShell",
    ),
    ("kafka-topics.sh", "org.apache.kafka.tools.TopicCommand"),
];

/// Writes the scripts into `folder`. The jars are in the folder `libs` beside it.
pub(super) fn write_tools(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, class) in TOOLS {
        let (file, text) = (folder.join(name), script(class));
        // One that is there may be running.
        if fs::read_to_string(&file).is_ok_and(|there| there == text) {
            continue;
        }
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn script(class: &str) -> String {
    format!(
        "#!/bin/sh
# Apache Kafka's program of this name. The local stack wrote this file.
exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.level=ERROR \\
  -cp \"$(dirname \"$0\")/../libs/*\" {class} \"$@\"
"
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_script_runs_its_class_from_the_jars_beside_it_with_all_arguments() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let tools = home.path().join("bin");
        write_tools(&tools).expect("written");
        // A second stack finds them.
        write_tools(&tools).expect("written");
        let java = home.path().join("java");
        fs::write(&java, "#!/bin/sh\nfor each; do echo \"$each\"; done\n").expect("written");
        fs::set_permissions(&java, fs::Permissions::from_mode(0o755)).expect("set");
        let ran = Command::new(tools.join("kafka-topics.sh"))
            .env("PATH", format!("{}:/usr/bin:/bin", home.path().display()))
            .args(["--topic", "a b"])
            .output()
            .expect("a shell");
        let said = String::from_utf8(ran.stdout).expect("text");
        let arguments: Vec<&str> = said.lines().rev().take(5).collect();
        let jars = format!("{}/../libs/*", tools.display());
        assert_eq!(
            arguments,
            [
                "a b",
                "--topic",
                "org.apache.kafka.tools.TopicCommand",
                jars.as_str(),
                "-cp"
            ],
            "{said}"
        );
    }
}
