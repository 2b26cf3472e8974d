//! A place in a list that is read in pages.

use std::{fmt, str::FromStr};

use contract::Time;
use uuid::Uuid;

/// The place of something in the order in which it came to be; written `<time>/<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it came to be.
    pub time: Time,
    /// Its id, among those of one moment.
    pub id: Uuid,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.time, self.id)
    }
}

/// Some text is no [`Place`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no place in the list; take it as a listing ended with it")]
pub struct UnknownPlace(String);

impl FromStr for Place {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, UnknownPlace> {
        let read = || {
            let (time, id) = text.split_once('/')?;
            Some(Self {
                time: Time::new(time.parse().ok()?),
                id: id.parse().ok()?,
            })
        };
        read().ok_or_else(|| UnknownPlace(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, id: u128) -> Place {
        Place {
            time: Time::new(jiff::Timestamp::from_second(second).unwrap()),
            id: Uuid::from_u128(id),
        }
    }

    #[test]
    fn a_place_reads_back_as_it_is_written() {
        let place = at(1_795_000_000, 7);
        assert_eq!(
            place.to_string(),
            "2026-11-18T11:06:40.000Z/00000000-0000-0000-0000-000000000007"
        );
        assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        for wrong in [
            "",
            "2026-11-18T11:06:40.000Z",
            "noon/00000000-0000-0000-0000-000000000007",
        ] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
