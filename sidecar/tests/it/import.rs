//! `outdial leads import`: good files and bad ones.

use std::path::PathBuf;

use crate::sidecar::Sidecar;

fn file(sidecar: &Sidecar, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = sidecar.dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn import<'a>(path: &'a std::path::Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "leads",
        "import",
        path.to_str().unwrap(),
        "--campaign",
        "spring",
        "--country",
        "BR",
    ];
    args.extend(more);
    args
}

#[test]
fn a_good_file_becomes_leads_and_its_bad_rows_a_file_of_rejects() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let path = file(
        &sidecar,
        "leads.csv",
        "\u{feff}Telefone;Nome;Fuso Horário;Telefone 2;Observação;FILE(/x);execute_on_answer\n\
         (11) 98765-4321;José;America/Manaus;(11) 3070-1234;\"vip; sim\";x;system touch /tmp/x\n\
         +55 11 98765-4322;=HYPERLINK(\"x\");;;;;\n\
         1&PJSIP/evil;@SUM(1);;;;;\n\
         \"11,98765\"\"4321\";b;;;;;\n\
         11987654321;twice;;;;;\n\
         11987654323;no zone;Mars/Olympus;;;;\n\
         11987654324;short\n\
         ;nobody;;;;;\n",
    );
    let said = sidecar.good(&import(&path, &[]));
    assert!(
        said.contains("2 leads imported, 6 rows rejected (1 twice in the file"),
        "{said}"
    );
    assert!(said.contains("\"FILE(/x)\" is left out"), "{said}");

    let mut client = sidecar.client();
    let rows = client
        .query(
            "SELECT l.data::text, l.time_zone, array_agg(n.number ORDER BY position)
             FROM outdial.leads l JOIN outdial.lead_numbers n ON n.lead_id = l.id GROUP BY l.id, l.data, l.time_zone ORDER BY l.id",
            &[],
        )
        .unwrap();
    let data: serde_json::Value = serde_json::from_str(rows[0].get(0)).unwrap();
    assert_eq!(
        data,
        serde_json::json!({ "name": "José", "observacao": "vip; sim", "execute_on_answer": "system touch /tmp/x" })
    );
    assert_eq!(rows[0].get::<_, String>(1), "America/Manaus");
    assert_eq!(
        rows[0].get::<_, Vec<String>>(2),
        ["5511987654321", "551130701234"]
    );
    let data: serde_json::Value = serde_json::from_str(rows[1].get(0)).unwrap();
    assert_eq!(data["name"], "=HYPERLINK(\"x\")");

    let rejects = std::fs::read_to_string(sidecar.dir.join("leads.rejects.csv")).unwrap();
    let lines: Vec<&str> = rejects.lines().collect();
    assert!(lines[0].starts_with("line,reason,Telefone"), "{rejects}");
    for (line, words) in [
        (4, "no telephone number"),
        (5, "no telephone number"),
        (6, "duplicate"),
        (7, "time zone"),
        (8, "fields"),
        (9, "no number"),
    ] {
        assert!(
            lines
                .iter()
                .any(|l| l.starts_with(&format!("{line},")) && l.contains(words)),
            "{line} {words}: {rejects}"
        );
    }
    assert!(
        rejects.contains("'@SUM(1)") && !rejects.contains(",@SUM(1)"),
        "{rejects}"
    );

    let said = sidecar.good(&import(&path, &["--json"]));
    let done: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&done["imported"], &done["duplicate_in_campaign"]),
        (&0.into(), &3.into())
    );
}

#[test]
fn a_broken_file_leaves_nothing_behind() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let good: String = (0..30_000)
        .map(|n| format!("119{:08},Ana\n", 80_000_000 + n))
        .collect();
    let mut latin1 = format!("phone,name\n{good}").into_bytes();
    latin1.extend_from_slice(b"11987654321,Jos\xe9\n");
    let path = file(&sidecar, "latin1.csv", &latin1);
    let error = sidecar.bad(&import(&path, &[]));
    assert!(
        error.contains("line 30002") && error.contains("--encoding latin1"),
        "{error}"
    );
    for (name, text, words) in [
        (
            "columns.csv",
            "Kunde,Ort\n1,2\n".to_owned(),
            "\"Kunde\", \"Ort\"",
        ),
        ("empty.csv", String::new(), "empty"),
        (
            "giant_header.csv",
            "x".repeat(10 * 1024 * 1024),
            "is this a CSV file?",
        ),
        ("utf16.csv", "\u{0}".to_owned(), "no column"),
    ] {
        let path = file(&sidecar, name, text);
        let error = sidecar.bad(&import(&path, &[]));
        assert!(error.contains(words), "{name}: {error}");
    }
    let error = sidecar.bad(&import(&path, &["--country", "XX"]));
    assert!(
        error.contains("cannot be used multiple times") || error.contains("no country"),
        "{error}"
    );
    let error = sidecar.bad(&[
        "leads",
        "import",
        path.to_str().unwrap(),
        "--campaign",
        "nope",
    ]);
    assert!(error.contains("there is no campaign"), "{error}");
    assert_eq!(
        (
            sidecar.count("leads"),
            sidecar.count("lead_numbers"),
            sidecar.count("lists")
        ),
        (0, 0, 0)
    );
    assert!(!sidecar.dir.join("latin1.rejects.csv").exists());

    let said = sidecar.good(&import(&path, &["--encoding", "latin1"]));
    assert!(said.contains("30001 leads imported"), "{said}");
    assert_eq!(sidecar.count("leads WHERE data->>'name' = 'José'"), 1);
}

#[test]
fn a_giant_row_is_rejected_and_the_others_are_taken() {
    let sidecar = Sidecar::start();
    sidecar.campaign("spring");
    let giant = "x".repeat(10 * 1024 * 1024);
    let path = file(
        &sidecar,
        "giant.csv",
        format!("phone,name\n11987654321,a\n11987654322,\"{giant}\"\n11987654323,c\n"),
    );
    let said = sidecar.good(&import(&path, &[]));
    assert!(said.contains("2 leads imported, 1 rows rejected"), "{said}");
    let rejects = std::fs::metadata(sidecar.dir.join("giant.rejects.csv")).unwrap();
    assert!(rejects.len() < 1_000);
}
