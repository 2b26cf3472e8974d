//! SVGs as programs export them, and such as only an attacker writes.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use super::*;

/// An SVG of 64 by 48 units.
fn svg(inner: &str) -> Vec<u8> {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 64 48">{inner}</svg>"#
    )
    .into_bytes()
}

fn refused(inner: &str) -> LogoError {
    let error = Logo::decode(&svg(inner)).unwrap_err();
    assert_eq!(
        Logo::decode(&svg(inner)),
        Err(error.clone()),
        "a second time"
    );
    error
}

const TOO_COMPLEX: LogoError = LogoError::Svg(SvgFault::TooComplex);

fn color_at(logo: &Logo, x: f32, y: f32) -> [u8; 4] {
    let (width, height) = logo.size();
    let pixel = logo
        .pixels
        .pixel((width as f32 * x) as u32, (height as f32 * y) as u32);
    let pixel = pixel.unwrap();
    [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
}

#[test]
fn the_code_of_another_program_is_drawn_sharply() {
    let file = include_bytes!("../../../tests/logos/code.svg");
    let logo = Logo::decode(file).unwrap();
    assert_eq!(logo.size(), (512, 512));
    // The finder pattern in the corner of a code: dark, light, dark, in fifteenths.
    let navy = [0x1b, 0x3a, 0x57, 255];
    for (place, expected) in [
        (0.5, navy),
        (1.5, [0; 4]),
        (3.5, navy),
        (6.5, navy),
        (7.5, [0; 4]),
    ] {
        assert_eq!(
            color_at(&logo, place / 15.0, 3.5 / 15.0),
            expected,
            "{place}"
        );
    }
}

#[test]
fn the_idioms_of_drawing_programs_are_drawn() {
    // Styles by class, a clip by use, a gradient of a gradient, and their own elements.
    let file = svg(
        r##"<defs><style>.cls-1{clip-path:url(#clip);}.cls-2{fill:url("#two");}</style>
        <rect id="part" x="0" y="0" width="32" height="48"/><clipPath id="clip"><use xlink:href="#part"/></clipPath>
        <linearGradient id="one"><stop stop-color="#c81e28"/></linearGradient><linearGradient id="two" xlink:href="#one"/></defs>
        <metadata><x:thing xmlns:x="urn:x" href="https://example.com/license"/></metadata>
        <g class="cls-1"><path class="cls-2" d="M0 0h64v48h-64z"/></g>
        <a href="https://example.com"><circle cx="48" cy="24" r="10" fill="none" stroke="#1e3ca0" stroke-width="4" stroke-dasharray="3 2"/></a>"##,
    );
    let logo = Logo::decode(&file).unwrap();
    assert_eq!(color_at(&logo, 0.2, 0.5), [200, 30, 40, 255]);
    assert_eq!(color_at(&logo, 0.6, 0.1), [0; 4]);
}

#[test]
fn a_doctype_and_a_byte_order_mark_are_no_fault() {
    let doctype = r#"<?xml version="1.0"?><!-- by hand --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">"#;
    let file = [
        "\u{feff}".as_bytes(),
        doctype.as_bytes(),
        &svg(r#"<rect width="64" height="48"/>"#),
    ];
    assert_eq!(Logo::decode(&file.concat()).unwrap().size(), (512, 384));
}

#[test]
fn a_small_mark_on_a_page_of_paper_is_all_that_is_drawn() {
    let file = svg(r##"<rect x="30" y="20" width="4" height="2" fill="#c81e28"/><g/>"##);
    let logo = Logo::decode(&file).unwrap();
    assert_eq!(logo.size(), (512, 256));
    assert_eq!(color_at(&logo, 0.5, 0.5), [200, 30, 40, 255]);
    for nothing in ["", r#"<rect x="900" width="9" height="9"/>"#, r#"<rect/>"#] {
        assert_eq!(refused(nothing), LogoError::Empty, "{nothing}");
    }
}

#[test]
fn what_would_be_missing_from_a_logo_is_named_instead() {
    let with_shape = |inner: &str| refused(&format!(r#"<path d="M0 0h9v9z"/>{inner}"#));
    for (inner, fault) in [
        ("<text>studio</text>", SvgFault::Text),
        (
            r#"<image href="https://example.com/a.png" width="9" height="9"/>"#,
            SvgFault::Picture,
        ),
        (
            r#"<image xlink:href="data:image/png;base64,AAAA" width="9" height="9"/>"#,
            SvgFault::Picture,
        ),
        ("<foreignObject/>", SvgFault::Picture),
        (r#"<use href="other.svg#mark"/>"#, SvgFault::External),
        (r#"<use href="file:///etc/passwd"/>"#, SvgFault::External),
        (
            r#"<rect width="9" height="9" fill="url(https://example.com/a.svg#b)"/>"#,
            SvgFault::External,
        ),
        (
            r#"<style>rect{fill:url(https://example.com/a.svg#b)}</style><rect width="9" height="9"/>"#,
            SvgFault::External,
        ),
        (
            r##"<filter id="f"><feGaussianBlur stdDeviation="9"/></filter><rect filter="url(#f)" width="9" height="9"/>"##,
            SvgFault::Filter,
        ),
        (
            r#"<rect style="filter: blur(9px)" width="9" height="9"/>"#,
            SvgFault::Filter,
        ),
    ] {
        assert_eq!(with_shape(inner), LogoError::Svg(fault), "{inner}");
    }
    assert_eq!(
        SvgFault::Text.to_string(),
        "its SVG has text; convert the text to paths"
    );
}

#[test]
fn entities_are_not_read() {
    for declared in [
        r#"<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg"><desc>&b;</desc></svg>"#,
        r#"<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><desc>&a;</desc></svg>"#,
    ] {
        for _ in 0..2 {
            let found = Logo::decode(declared.as_bytes());
            assert_eq!(found, Err(LogoError::Svg(SvgFault::Entities)));
        }
    }
}

#[test]
fn damaged_xml_is_refused() {
    for file in [
        &b"<svg"[..],
        b"<",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\">\xff</svg>",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\">&amp</svg>",
    ] {
        assert_eq!(Logo::decode(file), Err(LogoError::Damaged(Format::Svg)));
    }
}

/// Elements that name each other, `levels` deep and `wide` times each.
fn nested(levels: u32, wide: usize, define: impl Fn(u32, &str) -> String) -> String {
    let mut out = String::new();
    for level in 0..levels {
        let next = level + 1;
        let inner = r##"<g NAME="url(#aNEXT)"><rect width="9" height="9"/></g>"##;
        let inner = inner.replace("NEXT", &next.to_string()).repeat(wide);
        out += &define(level, &inner);
    }
    out
}

#[test]
fn an_svg_that_asks_for_more_than_a_moment_is_refused_in_a_moment() {
    let masks = nested(30, 2, |level, inner| {
        format!(
            r#"<mask id="a{level}">{}</mask>"#,
            inner.replace("NAME", "mask")
        )
    });
    let clips = nested(30, 2, |level, inner| {
        format!(
            r#"<clipPath id="a{level}">{}</clipPath>"#,
            inner.replace("NAME", "clip-path")
        )
    });
    let patterns = nested(30, 2, |level, inner| {
        format!(
            r#"<pattern id="a{level}" width="1" height="1">{}</pattern>"#,
            inner.replace("NAME", "fill")
        )
    });
    let mut uses = r#"<g id="u0"><rect width="9" height="9"/></g>"#.to_owned();
    for level in 0..30 {
        let next = level + 1;
        let _ = write!(
            uses,
            r##"<g id="u{next}"><use href="#u{level}"/><use xlink:href="#u{level}"/></g>"##
        );
    }
    let style = format!(
        "<style>{}</style>",
        (0..30).fold(String::new(), |mut out, level| {
            let _ = write!(out, ".m{level}{{mask:url(#c{})}}", level + 1);
            out
        })
    ) + &(0..30).fold(String::new(), |mut out, level| {
        let two = format!(r#"<rect class="m{level}" width="9" height="9"/>"#).repeat(2);
        let _ = write!(out, r#"<mask id="c{level}">{two}</mask>"#);
        out
    });
    let top = |name: &str| format!(r##"<rect {name}="url(#a0)" width="9" height="9"/>"##);
    for (name, inner) in [
        ("masks", masks + &top("mask")),
        ("clips", clips + &top("clip-path")),
        ("patterns", patterns + &top("fill")),
        ("uses", uses),
        ("masks by style", style + r##"<rect mask="url(#c0)" width="9" height="9"/>"##),
        ("ten thousand nodes", r#"<path d="M0 0h1v1z"/>"#.repeat(10_000)),
        ("a deep one", "<g opacity=\".5\">".repeat(900) + "<path d=\"M0 0h9v9z\"/>" + &"</g>".repeat(900)),
        ("layers on layers", "<g opacity=\".5\">".repeat(12) + "<path d=\"M0 0h9v9zM1 1h2v2z\"/><path d=\"M0 0h9v9z\"/>" + &"</g>".repeat(12)),
        ("a circle", r##"<mask id="a"><rect mask="url(#b)" width="9" height="9"/></mask><mask id="b"><rect mask="url(#a)" width="9" height="9"/></mask><rect mask="url(#a)" width="9" height="9"/>"##.to_owned()),
        ("dashes", r#"<path d="M0 0h64" stroke="red" stroke-dasharray=".0001"/>"#.to_owned()),
        ("a vast pattern", r##"<pattern id="p" width="9999" height="9999" patternUnits="userSpaceOnUse"><rect width="9" height="9"/></pattern><rect width="64" height="48" fill="url(#p)"/>"##.to_owned()),
        ("markers", r##"<marker id="m"><rect width="9" height="9"/></marker><path marker-mid="url(#m)" d="M0 0h9v9z"/>"##.to_owned()),
        ("bytes", format!(r#"<path d="{}"/>"#, "M0 0h9v9z".repeat(30_000))),
    ] {
        let begin = Instant::now();
        assert_eq!(refused(&inner), TOO_COMPLEX, "{name}");
        // Twice, unoptimised, on a busy machine.
        assert!(begin.elapsed() < Duration::from_secs(2), "{name}");
    }
}

#[test]
fn the_worst_that_is_drawn_takes_a_moment() {
    let group = r##"<g opacity=".5"><path d="M0 0h64v48h-64zM1 1h9v9z" fill="red"/><path d="M0 0h64v48z"/></g>"##;
    let begin = Instant::now();
    let logo = Logo::decode(&svg(&group.repeat(600)));
    assert!(logo.is_ok(), "{logo:?}");
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}
