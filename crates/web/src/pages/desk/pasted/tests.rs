//! Pasted lists, as tables: what people really paste, and what becomes of it.
//! Whatever is pasted, a code is never guessed and nothing is taken twice.

use super::*;

fn read_codes(text: &str) -> Result<Vec<String>, PasteFault> {
    codes(text).map(|pasted| pasted.items)
}

#[test]
fn codes_are_found_however_they_are_pasted() {
    let expected = ["A-1", "B 2", "C3"];
    let table = [
        ("one a line", "A-1\nB 2\nC3\n"),
        ("empty lines and white space", "\n  A-1\n\nB 2\u{a0}\n\t\nC3"),
        ("a mark of the file's encoding", "\u{feff}A-1\nB 2\nC3"),
        ("a header in English", "code\nA-1\nB 2\nC3"),
        ("a header in Chinese", "兑换码\nA-1\nB 2\nC3"),
        ("a header with a remark", "兑换码（必填）\nA-1\nB 2\nC3"),
        ("a header in both", "激活码/Code\nA-1\nB 2\nC3"),
        ("a table from a spreadsheet", "序号\t兑换码\t备注\n1\tA-1\t\n2\tB 2\tx\n3\tC3\n"),
        ("a table where one column is surer", "序列号\t兑换码\n1\tA-1\n2\tB 2\n3\tC3"),
        ("a column that may be codes", "卡号\t面值\nA-1\t10\nB 2\t10\nC3\t10"),
        ("CSV", "no,code\n1,A-1\n2,B 2\n3,C3"),
        ("CSV with quotes", "\"no\",\"Redemption code\"\n\"1\",\"A-1\"\n2,\"B 2\"\n3,C3"),
        ("semicolons", "no;code\n1;A-1\n2;B 2\n3;C3"),
        ("a column after which nothing stands", "A-1\t\nB 2\t\nC3\t"),
    ];
    for (name, text) in table {
        assert_eq!(read_codes(text).unwrap(), expected, "{name}");
    }
}

#[test]
fn which_column_has_the_codes_is_never_guessed() {
    let two = |one: &str, other: &str| PasteFault::TwoColumns(one.into(), other.into());
    let table = [
        ("1\tA1\n2\tB2", PasteFault::WhichColumn(2)),
        ("A1,B2,C3", PasteFault::WhichColumn(3)),
        ("A1\nB2,x", PasteFault::WhichColumn(2)),
        ("兑换码\t激活码\nA\tB", two("兑换码", "激活码")),
        ("code\nA1\tx", PasteFault::TooWide(2)),
        ("code\n\"A1", PasteFault::QuoteNotClosed(2)),
    ];
    for (text, expected) in table {
        assert_eq!(read_codes(text), Err(expected), "{text}");
    }
}

#[test]
fn a_code_that_stands_twice_goes_in_once_and_is_counted() {
    let pasted = codes("序号\t兑换码\n1\tA\n2\tB\n\n3\tA\n4\t\n").unwrap();
    assert_eq!(pasted.items, ["A", "B", ""], "an empty cell is no code, and is left to be refused");
    assert_eq!(pasted.lines, [2, 3, 6]);
    let used = vec![(Role::Code, "兑换码".to_owned())];
    let left_out = vec!["序号".to_owned()];
    let expected = Understood { count: 3, repeated: 1, used, left_out };
    assert_eq!(pasted.understood, expected);
}

#[test]
fn quotes_lines_and_separators_inside_a_cell_belong_to_it() {
    let text = "code\tnote\n\"A\"\"1\"\t\"two\nlines\"\n\"B\t2\"\tx";
    let pasted = codes(text).unwrap();
    assert_eq!(pasted.items, ["A\"1", "B\t2"]);
    assert_eq!(pasted.lines, [2, 4], "a cell with two lines counts as both");
}

fn names(text: &str) -> Vec<[String; 3]> {
    let pasted = roster(text).unwrap();
    let row = |line: RosterLine| [line.name, line.display_name, line.department];
    pasted.items.into_iter().map(row).collect()
}

#[test]
fn names_are_found_however_they_are_pasted() {
    let row = |cells: [&str; 3]| cells.map(str::to_owned);
    let (zhang, li) = (["张三", "", ""], ["李四", "", ""]);
    let (zhang_it, li_hr) = (["张三", "", "技术部"], ["李四", "", "人事部"]);
    let full = [["1001", "张三", "技术部"], ["1002", "李四", "人事部"]];
    let table: [(&str, &str, [[&str; 3]; 2]); 12] = [
        ("one a line", "张三\n李四", [zhang, li]),
        ("one line of names", "张三、李四", [zhang, li]),
        ("one line with all kinds of commas", "张三, 李四，", [zhang, li]),
        ("a header", "姓名\n张三\n李四", [zhang, li]),
        ("an English header", "Name\n张三\n李四", [zhang, li]),
        ("a table", "姓名\t部门\n张三\t技术部\n李四\t人事部", [zhang_it, li_hr]),
        ("a table without a header", "张三\t技术部\n李四\t人事部", [zhang_it, li_hr]),
        ("CSV", "department,name\n技术部,张三\n人事部,李四", [zhang_it, li_hr]),
        ("numbers and names", "姓名\t工号\t部门\n张三\t1001\t技术部\n李四\t1002\t人事部", full),
        (
            "the names of the file",
            "name,display_name,department\n1001,张三,技术部\n1002,李四,人事部",
            full,
        ),
        ("three columns without a header", "1001\t张三\t技术部\n1002\t李四\t人事部", full),
        (
            "columns nobody asked for",
            "序号\t员工编号*\t员工姓名\t手机\t所属部门\n1\t1001\t张三\t138\t技术部\n2\t1002\t李四\t139\t人事部",
            full,
        ),
    ];
    for (name, text, expected) in table {
        assert_eq!(names(text), expected.map(row), "{name}");
    }
}

#[test]
fn of_names_it_is_said_which_column_was_taken_for_what() {
    let pasted = roster("姓名\t工号\t生日\n张三\t1001\t5月\n张三\t1001\t5月").unwrap();
    let used = vec![(Role::Name, "工号".to_owned()), (Role::DisplayName, "姓名".to_owned())];
    let left_out = vec!["生日".to_owned()];
    assert_eq!(pasted.understood, Understood { count: 1, repeated: 1, used, left_out });
    let faults = [
        ("部门\t手机\n技术部\t1", PasteFault::NoNames),
        ("工号\t账号\n1\t2", PasteFault::TwoColumns("工号".into(), "账号".into())),
        ("姓名\n\"张三", PasteFault::QuoteNotClosed(2)),
    ];
    for (text, expected) in faults {
        assert_eq!(roster(text).err(), Some(expected), "{text}");
    }
    assert!(roster("").unwrap().items.is_empty());
}

#[test]
fn a_list_longer_than_its_bounds_is_refused_and_one_as_long_is_read() {
    assert!(codes(&"\n".repeat(LINES_MAX)).is_ok());
    let table = [
        ("lines", "\n".repeat(LINES_MAX + 1)),
        ("cells", "\t".repeat(CELLS_MAX)),
        ("names in one line", "a;".repeat(LINES_MAX + 1)),
    ];
    for (name, text) in table {
        assert_eq!(roster(&text).err(), Some(PasteFault::TooLong), "{name}");
    }
}
