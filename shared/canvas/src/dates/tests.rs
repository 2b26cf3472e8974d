use super::*;

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

fn plain(when: &When) -> String {
    format!(
        "{} {}",
        when.time.as_deref().unwrap(),
        when.zone.as_deref().unwrap()
    )
    .replace('\u{a0}', " ")
}

#[test]
fn times_use_the_events_time_zone() {
    let said = said(
        "en",
        Some("Asia/Kolkata"),
        "2026-02-14T13:00:00Z",
        Some("2026-02-14T16:30:00Z"),
    );
    assert_eq!(said.days, "14");
    assert_eq!(said.month_and_year, "February 2026");
    assert_eq!(said.weekday, "Saturday");
    assert_eq!(plain(&said), "6:30 – 10:00 PM IST");
}

#[test]
fn without_a_time_zone_the_offset_of_the_start_counts() {
    let said = said("en", None, "2026-02-14T18:30:00+05:30", None);
    assert_eq!(plain(&said), "6:30 PM GMT+5:30");
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
    assert_eq!(said.weekday, "Wednesday – Friday");
}

#[test]
fn days_of_two_months_name_both() {
    let said = said(
        "en-GB",
        Some("Europe/London"),
        "2026-02-28T09:00:00Z",
        Some("2026-03-02T17:00:00Z"),
    );
    assert_eq!(said.days.replace('\u{a0}', " "), "28 February – 2 March");
    assert_eq!(said.month_and_year, "2026");
    assert_eq!(plain(&said), "From 09:00 GMT");
}

#[test]
fn hindi_names_the_part_of_the_day() {
    let said = said(
        "hi-IN",
        Some("Asia/Kolkata"),
        "2026-02-14T18:30:00+05:30",
        Some("2026-02-14T22:00:00+05:30"),
    );
    assert_eq!(said.month_and_year, "फ़रवरी 2026");
    assert_eq!(said.weekday, "शनिवार");
    assert_eq!(plain(&said), "शाम 6:30 – रात 10:00 बजे IST");
}

#[test]
fn arabic_takes_the_digits_and_months_of_its_region() {
    let cairo = said(
        "ar-EG",
        Some("Africa/Cairo"),
        "2026-01-14T20:00:00+02:00",
        None,
    );
    assert_eq!(cairo.days, "\u{200f}١٤");
    assert_eq!(cairo.month_and_year, "\u{200f}يناير ٢٠٢٦");
    assert_eq!(plain(&cairo), "\u{200f}٨:٠٠ م EET");
    let dubai = said(
        "ar-AE",
        Some("Asia/Dubai"),
        "2026-01-14T20:00:00+04:00",
        None,
    );
    assert_eq!(dubai.days, "\u{200f}14");
    assert_eq!(plain(&dubai), "\u{200f}8:00 م غرينتش+4");
    assert_eq!(
        said("ar-LB", None, "2026-01-14T20:00:00+02:00", None).month_and_year,
        "\u{200f}كانون الثاني ٢٠٢٦"
    );
}

#[test]
fn japanese_dates_have_counters_and_a_24_hour_clock() {
    let said = said(
        "ja-JP",
        Some("Asia/Tokyo"),
        "2026-07-18T18:30:00+09:00",
        Some("2026-07-18T23:00:00+09:00"),
    );
    assert_eq!(
        (
            said.days.as_str(),
            said.month_and_year.as_str(),
            said.weekday.as_str(),
            said.date.as_str()
        ),
        ("18日", "2026年7月", "土曜日", "2026年7月18日")
    );
    assert_eq!(plain(&said), "18:30–23:00 JST");
}

#[test]
fn japanese_days_of_two_months_are_joined_by_a_wave() {
    let said = said(
        "ja",
        Some("Asia/Tokyo"),
        "2026-02-28T09:00:00+09:00",
        Some("2026-03-02T17:00:00+09:00"),
    );
    assert_eq!(
        (said.days.as_str(), said.month_and_year.as_str()),
        ("2月28日〜3月2日", "2026年")
    );
    assert_eq!(
        (said.weekday.as_str(), said.date.as_str()),
        ("土曜日〜月曜日", "2026年2月28日〜3月2日")
    );
    assert_eq!(plain(&said), "9:00から JST");
}

#[test]
fn chinese_names_beijing_time() {
    let said = said(
        "zh-CN",
        Some("Asia/Shanghai"),
        "2026-10-01T09:00:00+08:00",
        Some("2026-10-01T17:30:00+08:00"),
    );
    assert_eq!(
        (
            said.days.as_str(),
            said.month_and_year.as_str(),
            said.weekday.as_str(),
            said.date.as_str()
        ),
        ("1日", "2026年10月", "星期四", "2026年10月1日")
    );
    assert_eq!(plain(&said), "09:00–17:30 北京时间");
}

#[test]
fn traditional_chinese_has_its_own_characters() {
    let taipei = said(
        "zh-TW",
        Some("Asia/Taipei"),
        "2026-12-30T00:00:00+08:00",
        Some("2027-01-03T00:00:00+08:00"),
    );
    assert_eq!(
        (taipei.days.as_str(), taipei.month_and_year.as_str()),
        ("12月30日至1月2日", "2026–2027年")
    );
    assert_eq!(
        (taipei.weekday.as_str(), taipei.date.as_str()),
        ("星期三至星期六", "2026年12月30日至2027年1月2日")
    );
    let evening = said(
        "zh-Hant",
        Some("Asia/Taipei"),
        "2026-12-30T19:30:00+08:00",
        None,
    );
    assert_eq!(plain(&evening), "19:30 台北時間");
    let several = said(
        "zh-HK",
        Some("Asia/Hong_Kong"),
        "2026-12-30T19:30:00+08:00",
        Some("2027-01-02T22:00:00+08:00"),
    );
    assert_eq!(plain(&several), "19:30 起 HKT");
}

#[test]
fn korean_says_the_half_of_the_day_once_and_before_the_hour() {
    let evening = said(
        "ko-KR",
        Some("Asia/Seoul"),
        "2026-07-18T18:30:00+09:00",
        Some("2026-07-18T23:00:00+09:00"),
    );
    assert_eq!(
        (
            evening.days.as_str(),
            evening.month_and_year.as_str(),
            evening.weekday.as_str(),
            evening.date.as_str()
        ),
        ("18일", "2026년 7월", "토요일", "2026년 7월 18일")
    );
    assert_eq!(plain(&evening), "오후 6:30~11:00 KST");
    let day = said(
        "ko",
        Some("Asia/Seoul"),
        "2026-07-18T09:00:00+09:00",
        Some("2026-07-18T17:00:00+09:00"),
    );
    assert_eq!(plain(&day), "오전 9:00~오후 5:00 KST");
    let several = said(
        "ko",
        Some("Asia/Seoul"),
        "2026-02-28T09:00:00+09:00",
        Some("2026-03-02T17:00:00+09:00"),
    );
    assert_eq!(several.days.replace('\u{a0}', " "), "2월 28일 ~ 3월 2일");
    assert_eq!(several.weekday, "토요일 ~ 월요일");
    assert_eq!(plain(&several), "오전 9:00부터 KST");
}

#[test]
fn a_whole_date_is_in_the_order_of_its_language() {
    let said = |locale| {
        said(
            locale,
            Some("UTC"),
            "2026-02-14T00:00:00Z",
            Some("2026-02-17T00:00:00Z"),
        )
        .date
    };
    assert_eq!(said("en"), "14–16 February 2026");
    assert_eq!(said("hi"), "14–16 फ़रवरी 2026");
    assert_eq!(said("ja"), "2026年2月14–16日");
    assert_eq!(said("ko"), "2026년 2월 14~16일");
}

#[test]
fn an_unknown_language_becomes_english() {
    assert_eq!(
        said("fr-FR", None, "2026-02-14T18:30:00Z", None).weekday,
        "Saturday"
    );
}
