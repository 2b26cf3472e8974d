//! `studio voices`: the requests of its commands, and the text of the answers.

use std::time::Duration;

use contract::{CloningMethod, Identifier, printable};
use operations::{
    EraseVoice, ListVoices, Step, VerifyVoice, VoiceFate, VoiceHandled, VoiceShown, VoiceSummary,
    VoicesListed,
};

use crate::{
    Exit,
    arguments::{EraseArguments, VoiceArguments, VoiceFilterArguments, VoicesCommand},
    ask::{AskError, Function},
    erasing::{Passes, repeat},
    table::{counted, fields, print, table},
    time::shown,
};

pub async fn run(
    function: &Function,
    command: VoicesCommand,
    json: bool,
) -> Result<Exit, AskError> {
    match command {
        VoicesCommand::List {
            filter,
            most,
            after,
        } => {
            let VoiceFilterArguments {
                tenant,
                state,
                cause,
                since,
                until,
            } = filter;
            let step = Step::ListVoices(ListVoices {
                tenant,
                state,
                cause,
                since,
                until,
                after,
                most,
            });
            let (answer, listed) = function.ask(&step).await?;
            print(json, &answer, || list(&listed));
            Ok(Exit::Done)
        }
        VoicesCommand::Show {
            which: VoiceArguments { tenant, id },
        } => {
            let step = Step::ShowVoice { tenant, voice: id };
            let (answer, shown) = function.ask(&step).await?;
            print(json, &answer, || show(&shown));
            Ok(Exit::Done)
        }
        VoicesCommand::Verify {
            which: VoiceArguments { tenant, id },
            recording,
            execute,
        } => {
            let step = Step::VerifyVoice(VerifyVoice {
                tenant,
                voice: id,
                recording,
                execute,
            });
            let (answer, handled) = function.ask(&step).await?;
            print(json, &answer, || fate(&handled));
            Ok(exit(&handled.fate))
        }
        VoicesCommand::Erase {
            which: VoiceArguments { tenant, id },
            erase: EraseArguments { execute, within },
        } => {
            let step = Step::EraseVoice(EraseVoice {
                tenant,
                voice: id,
                execute,
            });
            let passes = Passes { text: fate, left };
            let within = Duration::from_secs(within.into());
            repeat(function, &step, passes, within, json).await
        }
    }
}

fn exit(fate: &VoiceFate) -> Exit {
    match fate {
        VoiceFate::NotVerified { .. } | VoiceFate::Erasing | VoiceFate::Stays { .. } => Exit::Left,
        VoiceFate::WouldBeVerified { .. }
        | VoiceFate::Verified
        | VoiceFate::WouldBeErased { .. }
        | VoiceFate::Erased => Exit::Done,
    }
}

fn left(handled: &VoiceHandled) -> Option<String> {
    match handled.fate {
        VoiceFate::Erasing => Some("something of it may still be on its way".to_owned()),
        VoiceFate::WouldBeVerified { .. }
        | VoiceFate::Verified
        | VoiceFate::NotVerified { .. }
        | VoiceFate::WouldBeErased { .. }
        | VoiceFate::Erased
        | VoiceFate::Stays { .. } => None,
    }
}

fn list(listed: &VoicesListed) -> String {
    if listed.voices.is_empty() && listed.next.is_none() && listed.unread.is_empty() {
        return "No voice matches. A tenant's name is written as its events have it.\n".to_owned();
    }
    let rows: Vec<_> = listed.voices.iter().map(row).collect();
    let head = [
        "REGISTERED (UTC)",
        "TENANT",
        "STATE",
        "NAME",
        "PROVIDER",
        "ID",
    ];
    let mut text = table(&head, &rows);
    for id in &listed.unread {
        text.push_str(&format!(
            "\nThis version of the code cannot read the voice {id}.\n"
        ));
    }
    if let Some(next) = &listed.next {
        text.push_str(&format!(
            "\nThere may be more: continue with --after {next}\n"
        ));
    }
    text
}

fn row(voice: &VoiceSummary) -> (Vec<String>, Option<String>) {
    let cells = vec![
        shown(voice.created_at),
        voice
            .tenant
            .as_ref()
            .map_or("-", Identifier::as_str)
            .to_owned(),
        voice.state.as_str().to_owned(),
        name(voice),
        voice.provider.clone(),
        voice.id.to_string(),
    ];
    (cells, voice.failure.clone())
}

/// A voice with what an operator needs to decide about it.
pub fn show(voice: &VoiceShown) -> String {
    let VoiceShown {
        voice,
        execution,
        captcha,
        failure,
    } = voice;
    let mut lines = vec![
        ("id", voice.id.to_string()),
        ("state", voice.state.as_str().to_owned()),
        ("name", name(voice)),
    ];
    lines.extend(voice.method.map(|method| ("method", of(method).to_owned())));
    lines.extend([
        ("provider", voice.provider.clone()),
        ("registered", shown(voice.created_at)),
        ("execution", execution.clone()),
    ]);
    lines.extend(captcha.as_ref().map(|url| ("to read", url.clone())));
    lines.extend(failure.as_ref().map(|failure| ("failure", failure.clone())));
    fields(&lines)
}

fn of(method: CloningMethod) -> &'static str {
    match method {
        CloningMethod::Instant => "instant",
        CloningMethod::Professional => "professional",
    }
}

fn name(voice: &VoiceSummary) -> String {
    voice.name.clone().unwrap_or_else(|| "-".to_owned())
}

fn fate(handled: &VoiceHandled) -> String {
    let (word, why) = match &handled.fate {
        VoiceFate::WouldBeVerified { captcha } => (
            "would be verified",
            captcha
                .as_ref()
                .map(|url| format!("its owner is to read aloud {url}")),
        ),
        VoiceFate::Verified => ("verified", None),
        VoiceFate::NotVerified { why } => ("not verified", Some(why.clone())),
        VoiceFate::WouldBeErased { recordings } => (
            "would be erased",
            Some(format!("with {}", counted(*recordings, "recording"))),
        ),
        VoiceFate::Erased => ("erased", None),
        VoiceFate::Erasing => ("erased in part", None),
        VoiceFate::Stays { why } => ("stays", Some(why.clone())),
    };
    let line = format!(
        "{word:<20}{}  {}  {}",
        handled.voice.id,
        printable(&name(&handled.voice)),
        printable(&why.unwrap_or_default())
    );
    let next = match &handled.fate {
        VoiceFate::WouldBeVerified { .. } => "\nThis was a dry run. Apply it with --execute.\n",
        VoiceFate::WouldBeErased { .. } => {
            "\nThis was a dry run. Apply it with --execute; it cannot be undone.\n"
        }
        VoiceFate::Verified
        | VoiceFate::NotVerified { .. }
        | VoiceFate::Erased
        | VoiceFate::Erasing
        | VoiceFate::Stays { .. } => "",
    };
    format!("{}\n{next}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use contract::Time;
    use operations::VoiceStatus;
    use uuid::Uuid;

    use super::*;

    fn voice(state: VoiceStatus) -> VoiceSummary {
        VoiceSummary {
            id: Uuid::from_u128(7),
            state,
            name: (state != VoiceStatus::Erased).then(|| "Asha,\u{1b} warm".to_owned()),
            method: Some(CloningMethod::Professional),
            provider: "elevenlabs".to_owned(),
            created_at: Time::new("2026-11-27T09:30:00Z".parse().unwrap()),
            tenant: Identifier::parse("tenant-monsoon-arts").ok(),
            failure: (state == VoiceStatus::Failed)
                .then(|| "invalid-input: the samples are too short".to_owned()),
        }
    }

    #[test]
    fn a_list_has_a_line_for_each_voice_and_below_it_why_it_failed() {
        let listed = VoicesListed {
            voices: vec![
                voice(VoiceStatus::AwaitingOwner),
                voice(VoiceStatus::Failed),
            ],
            unread: vec![Uuid::from_u128(9)],
            next: Some("2026-11-27T09:30:00.000Z/7".to_owned()),
        };
        insta::assert_snapshot!("voices_list", list(&listed));
    }

    #[test]
    fn a_voice_is_shown_with_what_its_owner_reads_or_why_it_failed() {
        let waits = VoiceShown {
            voice: voice(VoiceStatus::AwaitingOwner),
            execution: Uuid::from_u128(7).to_string(),
            captcha: Some("s3://eventzr-studio-assets-staging/voices/7/captcha.png".to_owned()),
            failure: None,
        };
        let failed = VoiceShown {
            voice: voice(VoiceStatus::Failed),
            captcha: None,
            failure: Some("unavailable: 401: invalid_api_key".to_owned()),
            ..waits.clone()
        };
        insta::assert_snapshot!("voices_show", show(&waits) + "---\n" + &show(&failed));
    }

    #[test]
    fn each_fate_of_a_voice_is_one_line_and_has_its_exit_code() {
        let captcha = Some("s3://assets/voices/7/captcha.png".to_owned());
        let why = "The provider still waits for its owner.".to_owned();
        let fates = [
            (VoiceFate::WouldBeVerified { captcha }, Exit::Done),
            (VoiceFate::WouldBeVerified { captcha: None }, Exit::Done),
            (VoiceFate::Verified, Exit::Done),
            (VoiceFate::NotVerified { why: why.clone() }, Exit::Left),
            (VoiceFate::WouldBeErased { recordings: 3 }, Exit::Done),
            (VoiceFate::Erasing, Exit::Left),
            (VoiceFate::Stays { why }, Exit::Left),
            (VoiceFate::Erased, Exit::Done),
        ];
        let lines = fates.map(|(one, code)| {
            assert_eq!(exit(&one), code, "{one:?}");
            let state = match one {
                VoiceFate::Erased => VoiceStatus::Erased,
                _ => VoiceStatus::AwaitingOwner,
            };
            fate(&VoiceHandled {
                voice: voice(state),
                fate: one,
            })
        });
        insta::assert_snapshot!("voices_fates", lines.concat());
    }
}
