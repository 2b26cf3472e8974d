//! Process groups, and the signals to processes.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

/// A process that leads a group of its own, with all processes that it starts.
///
/// It always ends with us. `kill` and `Drop` kill the group. If we are killed ourselves, our side
/// of a pipe closes, and a shell that waits for that kills the group and removes its folder.
#[derive(Debug)]
pub struct Group {
    leader: Child,
    watchdog: Child,
}

impl Group {
    /// Starts `command`, whose files are in `folder`. Both of its outputs go to `log`.
    pub fn spawn(mut command: Command, log: &File, folder: &Path) -> io::Result<Self> {
        adopt_orphans();
        let mut leader = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()?;
        let watchdog = Command::new("/bin/sh")
            .args([
                "-c",
                r#"read -r _; kill -s KILL -- "-$1"; rm -rf -- "$2""#,
                "sh",
                &leader.id().to_string(),
            ])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self { leader, watchdog }),
            Err(error) => {
                let _ = leader.kill();
                let _ = leader.wait();
                Err(error)
            }
        }
    }

    /// The process id of the leader, which is also the id of the group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// The leader's exit status, if it has ended.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.leader.try_wait()
    }

    /// Kills the whole group at once (`kill -9`), and waits until all its processes have ended.
    pub fn kill(&mut self) {
        // The watchdog goes first: otherwise it might fire later, when another group has this id.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        if let Some(group) = pid(self.leader.id()) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
            let _ = self.leader.wait();
            // A killed process takes a moment to end, and we must reap what the leader left behind.
            let deadline = Instant::now() + Duration::from_secs(2);
            loop {
                while matches!(
                    rustix::process::waitpgid(group, WaitOptions::NOHANG),
                    Ok(Some(_))
                ) {}
                if members(self.leader.id()).is_empty() || Instant::now() > deadline {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes us the parent of orphaned descendants, because not every system has another process that
/// reaps them.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Asks one process to end (SIGTERM). Does nothing if it has already ended.
pub fn terminate(process_id: u32) {
    if let Some(pid) = pid(process_id) {
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
}

/// Kills one process (`kill -9`). Returns `false` if it did not exist.
#[must_use]
pub fn kill(process_id: u32) -> bool {
    pid(process_id).is_some_and(|pid| rustix::process::kill_process(pid, Signal::KILL).is_ok())
}

/// Stops one process as it is (SIGSTOP): it keeps its connections, and answers nothing until
/// [`go_on`]. Returns `false` if it does not exist.
#[must_use]
pub fn freeze(process_id: u32) -> bool {
    pid(process_id).is_some_and(|pid| rustix::process::kill_process(pid, Signal::STOP).is_ok())
}

/// Lets a process that [`freeze`] stopped go on (SIGCONT). Returns `false` if it does not exist.
#[must_use]
pub fn go_on(process_id: u32) -> bool {
    pid(process_id).is_some_and(|pid| rustix::process::kill_process(pid, Signal::CONT).is_ok())
}

fn pid(process_id: u32) -> Option<Pid> {
    i32::try_from(process_id).ok().and_then(Pid::from_raw)
}

/// The processes of a group, including dead ones that have not been reaped.
#[must_use]
pub fn members(group: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_member = |process_id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap_or_default();
        // The name is in parentheses and may contain anything. After the last parenthesis follow
        // state, parent and group.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_ascii_whitespace()
            .collect();
        fields.get(2).and_then(|found| found.parse().ok()) == Some(group)
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_member)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell with a child of its own, and the child's process id.
    fn shell_with_a_child(folder: &Path) -> (Group, u32) {
        let log = File::create(folder.join("log")).expect("a log");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let group = Group::spawn(command, &log, folder).expect("a shell");
        loop {
            let written = fs::read_to_string(folder.join("log")).expect("readable");
            if let Ok(child) = written.trim().parse() {
                return (group, child);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn killing_a_group_ends_its_grandchildren_too() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut group, child) = shell_with_a_child(folder.path());
        assert!(members(group.id()).contains(&child));
        group.kill();
        assert!(members(group.id()).is_empty());
        assert!(folder.path().exists());
    }

    #[test]
    fn a_group_and_its_folder_end_when_we_are_killed() {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let (mut group, _) = shell_with_a_child(&folder);
        // The kernel would close our side of the pipe if we died; here the test closes it.
        drop(group.watchdog.stdin.take());
        let ended = group.leader.wait().expect("our child");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&ended),
            Some(9)
        );
        let _ = group.watchdog.wait();
        assert!(!folder.exists());
    }
}
