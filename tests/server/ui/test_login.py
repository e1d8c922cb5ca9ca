"""Logging in: a pasted key or a link, a cookie that only our own pages can use, and no way to be sent elsewhere."""

from __future__ import annotations

import pytest

from headwater.server.access.login_links import GOOD_FOR_US, Links
from headwater.server.presence_file import noted, read_note
from headwater.server.rendering.page import own_path

OURS = {"Sec-Fetch-Site": "same-origin"}


def log_in(client, key: str, **form: str):
    """Send the login form, as a browser does."""
    return client.post("/login", data={"key": key, **form}, headers=OURS)


def test_a_page_sends_strangers_to_the_login_and_back(served):
    """Without a session a page leads to the login, which leads to that page when the key is good."""
    browser = served.bare()
    first = browser.get("/?a=b%2Fc", headers={"Accept": "text/html"})
    assert (first.status_code, first.headers["location"]) == (303, "/login?next=%2F%3Fa%3Db%252Fc")
    form = browser.get(first.headers["location"])
    assert '<input type="hidden" name="next" value="/?a=b%2Fc">' in form.text
    done = log_in(browser, served.key(), next="/?a=b%2Fc")
    assert (done.status_code, done.headers["location"]) == (303, "/?a=b%2Fc")
    assert browser.get("/").status_code == 200


def test_the_cookie_is_out_of_reach(served):
    """The session's cookie is HttpOnly and SameSite=Strict; over TLS it is Secure too."""
    cookie = log_in(served.bare(), served.key()).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    secret = served.bare()
    secret.base_url = "https://testserver"
    assert "; secure" in log_in(secret, served.key()).headers["set-cookie"].lower()


def test_a_wrong_key_says_so(served):
    """A key that opens nothing is answered 403 with the form and the reason, and sets no cookie."""
    answer = log_in(served.bare(), "hw_wrong")
    assert answer.status_code == 403
    assert "this key is not known" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("site", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}])
@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_other_sites_can_log_nobody_in_or_out(served, path, site):
    """A form on another site is refused."""
    assert served.bare().post(path, data={"key": served.key()}, headers=site).status_code == 403


def test_a_link_works_once(served):
    """The link of the terminal logs in, and is nothing the second time."""
    path = f"/login?token={served.service.new_link()}"
    browser = served.bare()
    opened = browser.get(path)
    assert opened.status_code == 200
    assert 'http-equiv="refresh" content="0;url=/"' in opened.text
    assert browser.get("/").status_code == 200
    again = served.bare().get(path)
    assert again.status_code == 403
    assert "set-cookie" not in again.headers


def test_a_link_ends():
    """A link that nobody opened within the hour opens nothing, and makes no key."""
    now = [0]
    links = Links(lambda: now[0])
    token = links.new(lambda: pytest.fail("a key was made"))
    now[0] = GOOD_FOR_US
    assert links.take(token) is None


def test_a_link_for_whoever_can_read_the_folder(served):
    """The secret of the process buys a link; another secret does not."""
    answer = served.bare().post("/login/links", json={"opener": served.service.links.opener})
    assert served.bare().get(answer.json()["path"]).status_code == 200
    assert served.bare().post("/login/links", json={"opener": "guess"}).status_code == 403


def test_logging_out_forgets_the_session(served):
    """After logging out the browser is a stranger again."""
    browser = served.bare()
    log_in(browser, served.key())
    assert browser.get("/").status_code == 200
    assert browser.post("/logout", headers=OURS).headers["location"] == "/login"
    assert browser.get("/").status_code == 303


def test_a_link_from_another_site_arrives_with_the_session(served):
    """A strict cookie does not come with such a request, so it is asked again from our own page before the login."""
    answer = served.bare().get("/?root=x", headers={"Sec-Fetch-Site": "cross-site", "Accept": "text/html"})
    assert answer.status_code == 200
    assert 'content="0;url=/?root=x"' in answer.text


@pytest.mark.parametrize(
    "text",
    ["https://evil.example", "//evil.example", "/\\evil.example", "", "javascript:alert(1)", "/a\r\nSet-Cookie: x"],
)
def test_nobody_is_sent_elsewhere(text):
    """Only a path of our own is a place to go to after the login."""
    assert own_path(text) == "/"


def test_the_note_of_a_running_service(tmp_path):
    """The note says where the service is, only its owner may read it, and it goes with the service."""
    with noted(tmp_path, "http://127.0.0.1:1", "secret"):
        note = read_note(tmp_path)
        assert note is not None
        assert (note.url, note.opener) == ("http://127.0.0.1:1", "secret")
        assert (tmp_path / "service.json").stat().st_mode & 0o777 == 0o600
    assert read_note(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
