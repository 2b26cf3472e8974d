use super::*;

mod intl;
mod languages;

fn said(locale: &str, zone: Option<&str>, starts_at: &str, ends_at: Option<&str>) -> When {
    let configuration = Configuration {
        starts_at: Some(starts_at.parse().unwrap()),
        ends_at: ends_at.map(|end| end.parse().unwrap()),
        time_zone: zone.map(|zone| contract::TimeZoneName::parse(zone).unwrap()),
        locale: contract::Locale::parse(locale),
        ..Configuration::titled(contract::Text::parse("x").unwrap())
    };
    when(
        &configuration,
        LocaleRules::of(configuration.locale.as_ref()),
    )
    .unwrap()
}

/// `text` with plain spaces and without direction marks.
fn simple(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}'))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect()
}

fn plain(when: &When) -> String {
    let time = when.time.as_deref().unwrap();
    simple(&match &when.zone {
        Some(zone) => format!("{time} {zone}"),
        None => time.to_owned(),
    })
}

/// Days, month and year, weekday, and all on one line.
fn dated(when: &When) -> [String; 4] {
    [
        simple(&when.days),
        simple(&when.month_and_year),
        simple(when.weekday.as_deref().unwrap_or_default()),
        simple(&when.date),
    ]
}

/// From 14 to 16 February, whole days.
fn three_days(locale: &str) -> When {
    said(
        locale,
        Some("UTC"),
        "2026-02-14T00:00:00Z",
        Some("2026-02-17T00:00:00Z"),
    )
}

/// An evening in February in India.
fn evening(locale: &str) -> When {
    said(
        locale,
        Some("Asia/Kolkata"),
        "2026-02-14T18:30:00+05:30",
        Some("2026-02-14T22:00:00+05:30"),
    )
}

#[test]
fn times_use_the_events_time_zone() {
    let said = evening("en-IN");
    assert_eq!(
        dated(&said),
        ["14", "February 2026", "Saturday", "14 February 2026"]
    );
    assert_eq!(plain(&said), "6:30 – 10:00 PM IST");
}

#[test]
fn without_a_time_zone_the_offset_of_the_start_counts() {
    let said = said("en", None, "2026-02-14T18:30:00+05:30", None);
    assert_eq!(plain(&said), "6:30 PM GMT+5:30");
}

#[test]
fn a_line_breaks_only_between_two_times() {
    assert_eq!(evening("en-US").time.unwrap(), "6:30\u{a0}– 10:00\u{a0}PM");
    assert_eq!(evening("fr").time.unwrap(), "18:30\u{a0}– 22:00");
    assert_eq!(evening("tr").time.unwrap(), "18:30–22:00");
}

#[test]
fn an_event_that_ends_at_dawn_ends_the_evening_before() {
    let said = said(
        "en-US",
        Some("America/New_York"),
        "2026-07-03T21:00:00-04:00",
        Some("2026-07-04T02:00:00-04:00"),
    );
    assert_eq!(said.days, "3");
    assert_eq!(plain(&said), "9:00 PM – 2:00 AM EDT");
}

#[test]
fn whole_days_have_no_time_and_end_on_the_day_before_midnight() {
    let said = said(
        "en",
        Some("Europe/London"),
        "2026-07-01T00:00:00+01:00",
        Some("2026-07-04T00:00:00+01:00"),
    );
    assert_eq!((said.days.as_str(), said.time), ("1–3", None));
    assert_eq!(said.weekday.as_deref(), Some("Wednesday – Friday"));
}

#[test]
fn a_midnight_premiere_keeps_its_hour() {
    let midnight = "2026-07-01T00:00:00+05:30";
    let premiere = said("en-IN", Some("Asia/Kolkata"), midnight, None);
    assert_eq!(plain(&premiere), "12:00 AM IST");
    let two_hours = said(
        "en-IN",
        Some("Asia/Kolkata"),
        midnight,
        Some("2026-07-01T02:00:00+05:30"),
    );
    assert_eq!(plain(&two_hours), "12:00 – 2:00 AM IST");
    let whole = said(
        "en-IN",
        Some("Asia/Kolkata"),
        midnight,
        Some("2026-07-01T23:59:00+05:30"),
    );
    assert_eq!(whole.time, None);
}

#[test]
fn where_midnight_does_not_exist_a_day_begins_with_its_first_moment() {
    let cairo = said(
        "en",
        Some("Africa/Cairo"),
        "2027-04-30T01:00:00+03:00",
        Some("2027-05-01T00:00:00+03:00"),
    );
    assert_eq!(
        (cairo.time, simple(&cairo.date)),
        (None, "April 30, 2027".to_owned())
    );
    let until_then = said(
        "en",
        Some("Africa/Cairo"),
        "2027-04-29T00:00:00+02:00",
        Some("2027-04-30T01:00:00+03:00"),
    );
    assert_eq!(
        (until_then.time, simple(&until_then.date)),
        (None, "April 29, 2027".to_owned())
    );
}

#[test]
fn no_weekdays_are_named_past_a_week() {
    let weekdays = |last: &str| {
        said(
            "en",
            Some("UTC"),
            "2026-03-01T10:00:00Z",
            Some(&format!("{last}T18:00:00Z")),
        )
        .weekday
    };
    assert_eq!(weekdays("2026-03-07").as_deref(), Some("Sunday – Saturday"));
    assert_eq!(weekdays("2026-03-08"), None);
    assert_eq!(weekdays("2026-11-30"), None);
}

#[test]
fn many_days_say_the_closing_hour_too() {
    let exhibition = said(
        "en",
        Some("UTC"),
        "2026-03-01T10:00:00Z",
        Some("2026-11-30T18:00:00Z"),
    );
    assert_eq!(plain(&exhibition), "10:00 AM – 6:00 PM UTC");
    assert_eq!(
        dated(&exhibition),
        [
            "March 1 – November 30",
            "2026",
            "",
            "March 1 – November 30, 2026"
        ]
    );
    let nights = said(
        "en-GB",
        Some("Europe/London"),
        "2026-02-06T21:00:00Z",
        Some("2026-02-09T02:00:00Z"),
    );
    assert_eq!(dated(&nights)[0], "6–8");
    assert_eq!(plain(&nights), "21:00–02:00 GMT");
}

#[test]
fn a_closing_hour_before_the_opening_one_has_its_day() {
    let retreat = |last: &str| {
        said(
            "en-GB",
            Some("Europe/London"),
            "2026-02-06T18:00:00Z",
            Some(&format!("{last}T14:00:00Z")),
        )
    };
    assert_eq!(plain(&retreat("2026-02-08")), "Fri 18:00 – Sun 14:00 GMT");
    // They are not named a second time.
    assert_eq!(retreat("2026-02-08").weekday, None);
    assert_eq!(
        plain(&retreat("2026-02-20")),
        "6 Feb 18:00 – 20 Feb 14:00 GMT"
    );
}

#[test]
fn hours_before_and_after_the_clock_is_changed_have_both_zones() {
    let fall_back = said(
        "en-US",
        Some("America/New_York"),
        "2026-11-01T01:30:00-04:00",
        Some("2026-11-01T01:30:00-05:00"),
    );
    assert_eq!(plain(&fall_back), "1:30 AM EDT – 1:30 AM EST");
    assert_eq!(fall_back.zone, None);
}

#[test]
fn days_of_two_months_name_both() {
    let said = said(
        "en-GB",
        Some("Europe/London"),
        "2026-02-28T09:00:00Z",
        Some("2026-03-02T17:00:00Z"),
    );
    assert_eq!(
        dated(&said),
        [
            "28 February – 2 March",
            "2026",
            "Saturday – Monday",
            "28 February – 2 March 2026"
        ]
    );
    assert_eq!(said.date, "28\u{a0}February\u{a0}– 2\u{a0}March\u{a0}2026");
    assert_eq!(plain(&said), "09:00–17:00 GMT");
}
