//! Dates and hours in many languages, with what a tag asks for.

use super::*;

#[test]
fn american_dates_begin_with_the_month() {
    let said = said(
        "en-US",
        Some("America/New_York"),
        "2026-07-04T18:00:00-04:00",
        None,
    );
    assert_eq!(simple(&said.date), "July 4, 2026");
    assert_eq!(simple(&three_days("en-US").date), "February 14 – 16, 2026");
    assert_eq!(three_days("en-US").days, "14–16");
}

#[test]
fn the_languages_of_india_name_the_part_of_the_day() {
    for (locale, time) in [
        ("hi-IN", "शाम 6:30 – रात 10:00 IST"),
        ("ta-IN", "அந்தி மாலை 6:30 – இரவு 10:00 IST"),
        ("te-IN", "సాయంత్రం 6:30 – రాత్రి 10:00 IST"),
        ("bn-BD", "৬:৩০ সন্ধ্যা – ১০:০০ রাত্রি IST"),
        ("mr-IN", "संध्याकाळ ६:३० – रात्र १०:०० IST"),
    ] {
        assert_eq!(plain(&evening(locale)), time, "{locale}");
    }
    assert_eq!(
        dated(&evening("hi-IN")),
        ["14", "फ़रवरी 2026", "शनिवार", "14 फ़रवरी, 2026"]
    );
}

#[test]
fn digits_are_the_languages_or_those_that_the_tag_asks_for() {
    for (locale, date) in [
        ("hi-IN", "14 फ़रवरी, 2026"),
        ("hi-IN-u-nu-deva", "१४ फ़रवरी, २०२६"),
        ("mr", "१४ फेब्रुवारी, २०२६"),
        ("ne", "२०२६ फेब्रुअरी १४"),
        ("bn", "১৪ ফেব্রুয়ারি, ২০২৬"),
        ("fa-u-ca-gregory", "۱۴ فوریه ۲۰۲۶"),
        ("my", "၂၀၂၆ ဖေဖော်ဝါရီ ၁၄"),
        ("ar-EG", "١٤ فبراير ٢٠٢٦"),
        ("ar-EG-u-nu-latn", "14 فبراير 2026"),
        ("ar-AE", "14 فبراير 2026"),
    ] {
        assert_eq!(simple(&evening(locale).date), date, "{locale}");
    }
    assert_eq!(
        plain(&evening("hi-IN-u-nu-deva")),
        "शाम ६:३० – रात १०:०० IST"
    );
}

#[test]
fn the_clock_is_the_languages_or_the_one_that_the_tag_asks_for() {
    for (locale, time) in [
        ("de", "18:30–22:00 Uhr IST"),
        ("de-u-hc-h12", "6:30–10:00 PM IST"),
        ("en-US-u-hc-h23", "18:30 – 22:00 IST"),
        ("ja-u-hc-h12", "午後6:30〜10:00 IST"),
        ("zh-TW", "18:30 – 22:00 IST"),
        ("zh-TW-u-hc-h12", "下午6:30至10:00 IST"),
        ("ko", "오후 6:30~10:00 IST"),
    ] {
        assert_eq!(plain(&evening(locale)), time, "{locale}");
    }
    let noon = |locale| plain(&said(locale, Some("UTC"), "2026-02-14T12:30:00Z", None));
    assert_eq!(noon("en-u-hc-h11"), "0:30 PM UTC");
    assert_eq!(noon("en"), "12:30 PM UTC");
}

#[test]
fn the_calendar_is_the_languages_or_the_one_that_the_tag_asks_for() {
    for (locale, expected) in [
        (
            "th",
            [
                "14–16",
                "กุมภาพันธ์ 2569",
                "วันเสาร์ – วันจันทร์",
                "14–16 กุมภาพันธ์ 2569",
            ],
        ),
        (
            "th-u-ca-gregory",
            [
                "14–16",
                "กุมภาพันธ์ ค.ศ. 2026",
                "วันเสาร์ – วันจันทร์",
                "14–16 กุมภาพันธ์ ค.ศ. 2026",
            ],
        ),
        (
            "fa",
            [
                "۲۵ تا ۲۷",
                "بهمن ۱۴۰۴",
                "شنبه تا دوشنبه",
                "۲۵ تا ۲۷ بهمن ۱۴۰۴",
            ],
        ),
        (
            "ja-u-ca-japanese",
            [
                "14日〜16日",
                "令和8年2月",
                "土曜日〜月曜日",
                "令和8年2月14日〜16日",
            ],
        ),
    ] {
        assert_eq!(dated(&three_days(locale)), expected, "{locale}");
    }
    // These days are of one month in the Persian calendar, and of two in the Gregorian one.
    let said = said(
        "fa",
        Some("UTC"),
        "2026-02-28T00:00:00Z",
        Some("2026-03-03T00:00:00Z"),
    );
    assert!(!said.days_name_months);
    assert_eq!(simple(&said.date), "۹ تا ۱۱ اسفند ۱۴۰۴");
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
    assert_eq!(plain(&cairo), "٨:٠٠ م EET");
    let dubai = said(
        "ar-AE",
        Some("Asia/Dubai"),
        "2026-01-14T20:00:00+04:00",
        None,
    );
    assert_eq!(dubai.days, "\u{200f}14");
    assert_eq!(plain(&dubai), "8:00 م غرينتش+4");
    let riyadh = said(
        "ar-SA",
        Some("Asia/Riyadh"),
        "2026-01-14T20:00:00+03:00",
        None,
    );
    assert_eq!(plain(&riyadh), "٨:٠٠ م غرينتش+٣");
    assert_eq!(
        said("ar-LB", None, "2026-01-14T20:00:00+02:00", None).month_and_year,
        "\u{200f}كانون الثاني ٢٠٢٦"
    );
}

#[test]
fn japanese_dates_have_counters_and_a_24_hour_clock() {
    let night = said(
        "ja-JP",
        Some("Asia/Tokyo"),
        "2026-07-18T18:30:00+09:00",
        Some("2026-07-18T23:00:00+09:00"),
    );
    assert_eq!(
        dated(&night),
        ["18日", "2026年7月", "土曜日", "2026年7月18日"]
    );
    assert_eq!(plain(&night), "18:30〜23:00 JST");
    let several = said(
        "ja",
        Some("Asia/Tokyo"),
        "2026-02-28T09:00:00+09:00",
        Some("2026-03-02T17:00:00+09:00"),
    );
    assert_eq!(
        dated(&several),
        [
            "2月28日〜3月2日",
            "2026年",
            "土曜日〜月曜日",
            "2026年2月28日〜3月2日"
        ]
    );
    assert_eq!(plain(&several), "9:00〜17:00 JST");
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
        dated(&said),
        ["1日", "2026年10月", "星期四", "2026年10月1日"]
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
        dated(&taipei),
        [
            "12月30日至1月2日",
            "2026年至2027年",
            "星期三至星期六",
            "2026年12月30日至2027年1月2日"
        ]
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
    assert_eq!(plain(&several), "19:30 – 22:00 HKT");
}

#[test]
fn korean_says_the_half_of_the_day_once_and_before_the_hour() {
    let night = said(
        "ko-KR",
        Some("Asia/Seoul"),
        "2026-07-18T18:30:00+09:00",
        Some("2026-07-18T23:00:00+09:00"),
    );
    assert_eq!(
        dated(&night),
        ["18일", "2026년 7월", "토요일", "2026년 7월 18일"]
    );
    assert_eq!(plain(&night), "오후 6:30~11:00 KST");
    let several = said(
        "ko",
        Some("Asia/Seoul"),
        "2026-02-28T09:00:00+09:00",
        Some("2026-03-02T17:00:00+09:00"),
    );
    assert_eq!(
        dated(&several)[..3],
        ["2월 28일~3월 2일", "2026년", "토요일~월요일"]
    );
    assert_eq!(plain(&several), "오전 9:00 ~ 오후 5:00 KST");
}

#[test]
fn the_languages_of_europe_have_their_own_dates() {
    for (locale, date, time) in [
        ("de", "14.–16. Februar 2026", "18:30–22:00 Uhr IST"),
        ("fr-FR", "14–16 février 2026", "18:30 – 22:00 IST"),
        ("ru", "14–16 февраля 2026 г.", "18:30–22:00 IST"),
        ("tr", "14–16 Şubat 2026", "18:30–22:00 IST"),
        ("vi", "14 – 16 tháng 2, 2026", "18:30–22:00 IST"),
        ("cs", "14.–16. února 2026", "18:30–22:00 IST"),
        ("hu", "2026. február 14–16.", "18:30–22:00 IST"),
    ] {
        assert_eq!(simple(&three_days(locale).date), date);
        assert_eq!(plain(&evening(locale)), time);
    }
}

#[test]
fn a_range_has_the_order_of_the_languages_own_date() {
    // CLDR's own ranges are 2026 फरवरीमासः 14–16, ಫೆಬ್ರವರಿ 14–16,2026 and 14.–16. 2. 2026.
    for (locale, one, several) in [
        ("sa", "१४ फरवरीमासः २०२६", "१४–१६ फरवरीमासः २०२६"),
        ("yo", "14 Oṣù Èrèlè 2026", "14–16 Oṣù Èrèlè 2026"),
        ("kn", "14 ಫೆಬ್ರವರಿ 2026", "14–16 ಫೆಬ್ರವರಿ 2026"),
        ("cs", "14. února 2026", "14.–16. února 2026"),
    ] {
        assert_eq!(simple(&evening(locale).date), one);
        assert_eq!(simple(&three_days(locale).date), several);
    }
}

#[test]
fn a_year_of_the_readers_own_calendar_has_no_era() {
    // CLDR's is `AP ۱۴۰۴ سلواغه ۲۵`, with an era in Latin letters.
    assert_eq!(simple(&evening("ps-AF").date), "۱۴۰۴ سلواغه ۲۵");
    assert_eq!(simple(&evening("ps-AF").month_and_year), "۱۴۰۴ سلواغه");
    let said = three_days("ps-AF");
    assert_eq!(simple(&said.date), "۱۴۰۴ سلواغه ۲۵–۲۷");
    // A calendar that the tag asks for may be another one.
    let asked = three_days("ps-AF-u-ca-persian");
    assert!(asked.month_and_year.contains("AP"), "{asked:?}");
    let date = evening("en-US-u-ca-buddhist").date;
    assert_eq!(date, "February 14, 2569 BE");
}

#[test]
fn a_month_comes_before_its_year_where_the_whole_date_has_it_so() {
    for (locale, month_and_year) in [
        ("fa-IR", "بهمن ۱۴۰۴"),
        ("ckb-IQ", "شوباتی ٢٠٢٦"),
        ("sd-PK", "فيبروري ٢٠٢٦"),
        ("ha-NG", "Faburairu 2026"),
        ("ja-JP", "2026年2月"),
    ] {
        let said = evening(locale).month_and_year;
        assert_eq!(simple(&said), month_and_year, "{locale}");
    }
}

#[test]
fn a_language_that_cldr_does_not_know_gets_english_dates() {
    assert_eq!(simple(&evening("tlh").date), "14 February 2026");
    assert_eq!(evening("fr-FR").weekday.as_deref(), Some("samedi"));
}

#[test]
fn english_dates_run_from_left_to_right_on_a_page_that_does_not() {
    let said = three_days("dv-MV");
    assert_eq!(said.days, "\u{200e}14–16");
    assert_eq!(said.date, "\u{200e}14–16 February 2026");
    assert!(three_days("he-IL").days.starts_with('\u{200f}'));
}

#[test]
fn each_calendar_clock_and_digits_that_a_tag_may_ask_for_are_written_whole() {
    let calendars = [
        "buddhist",
        "chinese",
        "coptic",
        "dangi",
        "ethioaa",
        "ethiopic",
        "gregory",
        "hebrew",
        "indian",
        "islamic",
        "islamic-civil",
        "islamic-umalqura",
        "iso8601",
        "japanese",
        "persian",
        "roc",
        "unknown",
    ];
    let digits = [
        "arab", "arabext", "beng", "deva", "fullwide", "hanidec", "hebr", "jpan", "latn", "mymr",
        "olck", "roman", "tamldec", "thai",
    ];
    let asked = (calendars.iter().map(|calendar| format!("ca-{calendar}")))
        .chain(digits.iter().map(|digits| format!("nu-{digits}")))
        .chain(["hc-h11", "hc-h12", "hc-h23", "hc-h24", "hc-x1y"].map(str::to_owned));
    for asked in asked {
        for language in [
            "en", "ta", "ar", "fa", "he", "am", "th", "ja", "zh-TW", "ko", "xq",
        ] {
            let locale = format!("{language}-u-{asked}");
            for said in [three_days(&locale), evening(&locale)] {
                let pieces = [Some(said.date), Some(said.days), Some(said.month_and_year)]
                    .into_iter()
                    .chain([said.weekday, said.time])
                    .flatten();
                for piece in pieces {
                    // ICU4X writes a field that it cannot format in braces.
                    assert!(
                        !simple(&piece).trim().is_empty() && !piece.contains(['{', '}']),
                        "{locale}: {piece}"
                    );
                }
            }
        }
    }
}
