"""The status page in a real Chromium, its status and its metrics before real parsers. `.ci/run web` installs what it needs.

    tests/web/browser.py DRIFTLESS EMULATOR FOLDER [AXE]

DRIFTLESS is the binary, EMULATOR the emulators' (`cargo build --example emulator`), FOLDER takes the screenshots, AXE is axe-core's
axe.min.js: with it the page is checked for those who cannot see it, too.
"""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import jsonschema
import prometheus_client.openmetrics.parser
import prometheus_client.parser
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-thirty-two-characters"
PING = "0d338dcc-a054-4f11-b909-0242ac120002"
PHONE, DESK = (390, 844), (1200, 900)


def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, holds, seconds=25):
    end = time.monotonic() + seconds
    while True:
        # The page replaces what it shows: an element that is looked at may just have gone.
        with contextlib.suppress(StaleElementReferenceException):
            if found := holds():
                return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


class Site:
    """A daemon with records that are right, failing, held and without a known address, and a channel that fails."""

    def __init__(self, driftless, emulator):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.folder.name)
        self.emulator, self.processes = emulator, []
        self.port, self.good, self.later = free(), free(), free()
        names = ["nas.home.example.org", "home.example.org", "vpn.example.org", "a-rather-long-name-of-a-camera.garage.example.org"]
        self.names = names
        self.emulate(self.good)
        for name, content in [("token", TOKEN), ("right", "secret"), ("refused", "wrong"), ("address", "192.0.2.44\n")]:
            self.write(name, content)
        account = '[account.{}]\nprovider = "dyndns2"\nserver = "http://127.0.0.1:{}"\nusername = "user"\nverify = false\npassword = {{ file = "{}/{}" }}\n'
        record = '[[record]]\nname = "{}"\naccount = "{}"\nipv4 = {}\nipv6 = {}\nprivate = true\n'
        followed = f'{{ file = "{self.dir}/address" }}'
        text = f'state_dir = "{self.dir}/state"\n[web]\nlisten = "127.0.0.1:{self.port}"\ntoken = {{ file = "{self.dir}/token" }}\n'
        for name, port, password in [("dyn", self.good, "right"), ("office", self.good, "refused"), ("spare", self.later, "right")]:
            text += account.format(name, port, self.dir, password)
        text += record.format(names[0], "dyn", followed, '"2001:db8:12:34:5678:9abc:def0:1234"')
        text += record.format(names[1], "office", followed, '"off"')
        text += record.format(names[2], "spare", followed, '"off"')
        text += record.format(names[3], "dyn", f'{{ file = "{self.dir}/missing" }}', '"off"')
        # Nobody listens there: the one to be told of the daemon's life is not.
        text += f'[notify.watchdog]\ntype = "healthchecks"\nurl = "http://127.0.0.1:{free()}/{PING}"\n'
        self.write("driftless.toml", text)
        environment = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": "/dev/null"}
        self.log = open(self.dir / "log", "w")
        command = [driftless, "run", "--config", str(self.dir / "driftless.toml")]
        self.processes.append(subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log))
        self.url = f"http://localhost:{self.port}/"
        until("the daemon answers", self.answers)

    def write(self, name, content):
        (self.dir / name).write_text(content)
        (self.dir / name).chmod(0o600)

    def emulate(self, port):
        command = [self.emulator, "dyndns2", "--port", str(port), *self.names]
        self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        def is_open():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        until("the emulator listens", is_open)

    def get(self, path, **fields):
        request = urllib.request.Request(self.url + path, headers=fields)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def answers(self):
        try:
            return self.get("healthz")
        except (urllib.error.URLError, OSError):
            return None

    def states(self):
        status = json.loads(self.get("api/v1/status"))
        return {(record["name"], record["type"]): record["state"] for record in status["status"]["records"]}

    def channel(self):
        return json.loads(self.get("api/v1/status"))["status"]["channels"][0]

    def end(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)
        self.log.close()


def browser(dark, size):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    profile = tempfile.mkdtemp()
    for word in [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
        "--host-resolver-rules=MAP evil.example 127.0.0.1",
    ]:
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    width, height = size
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    )
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    return driver


def shoot(driver, path):
    """The whole page as a picture."""
    size = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
    picture = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    path.write_bytes(base64.b64decode(picture["data"]))


def complaints(driver):
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def read(driver, axe):
    """What a reader needs: words, nothing cut off, nothing loaded, and no barrier that a machine can find."""
    text = driver.find_element(By.TAG_NAME, "body").text
    for word in ["up to date", "failing", "held", "unknown", "192.0.2.44", "dyndns2", "driftless release office", "Last changes"]:
        assert word in text, f"{word}: {text}"
    for word in ["Nobody is told by watchdog just now", "Who is told", "nobody listens at 127.0.0.1", "It failed", "tried again in"]:
        assert word in text, f"{word}: {text}"
    assert PING not in driver.page_source, "a channel's URL is a secret"
    wide = driver.execute_script("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1], f"the page is wider than the screen: {wide}"
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(name.startswith(driver.current_url) for name in loaded), loaded
    small = driver.execute_script(
        "return [...document.querySelectorAll('button')].filter((b) => b.offsetHeight < 44).map((b) => b.textContent)"
    )
    assert not small, f"too small for a thumb: {small}"
    if axe:
        driver.execute_script(pathlib.Path(axe).read_text())
        found = driver.execute_async_script("axe.run(document).then((found) => arguments[0](found.violations))")
        assert not found, json.dumps([(one["id"], [node["html"] for node in one["nodes"]]) for one in found], indent=1)
    assert not complaints(driver), complaints(driver)


def card(driver, name):
    return driver.find_element(By.CSS_SELECTOR, f'article[aria-label="{name} A"]')


def said(driver):
    return driver.find_element(By.ID, "said").text


def press(driver, name, action):
    card(driver, name).find_element(By.CSS_SELECTOR, f'button[data-action="{action}"]').send_keys(Keys.ENTER)


def buttons(driver, site):
    """Both buttons by the keyboard, with no token, a wrong one and the right one."""
    office, spare = site.names[1], site.names[2]
    press(driver, spare, "update")
    assert said(driver) == "Type the token first.", said(driver)
    field = driver.switch_to.active_element
    assert field.get_attribute("id") == "token", "the token's field has the focus"
    field.send_keys("a-token-that-is-wrong")
    press(driver, spare, "update")
    until("the wrong token is refused", lambda: said(driver) == "Refused: this is not the token.")
    assert any("401" in one for one in complaints(driver)), "the browser's own note of the answer"

    field.clear()
    field.send_keys(TOKEN)
    site.emulate(site.later)
    press(driver, spare, "update")
    until("it is looked at", lambda: said(driver) == "Looking now.")
    until("what failed is right, and the page shows it", lambda: "up to date" in card(driver, spare).text)

    assert site.states()[(office, "A")] == "held"
    site.write("refused", "secret")
    press(driver, office, "release")
    until("the hold is let go", lambda: said(driver) == "One hold was let go.")
    until("what was held is right, and the page shows it", lambda: "up to date" in card(driver, office).text)
    assert site.states()[(office, "A")] == "up to date"
    assert not complaints(driver), complaints(driver)


def focus(driver):
    """The keyboard reaches every button, and shows where it is."""
    driver.get(driver.current_url)
    reached = set()
    for _ in range(60):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        one = driver.switch_to.active_element
        if one.tag_name == "button":
            reached.add(one.get_attribute("id"))
            outline = one.value_of_css_property("outline-width")
            assert float(outline.removesuffix("px")) >= 2, outline
    all_of_them = {one.get_attribute("id") for one in driver.find_elements(By.TAG_NAME, "button")}
    assert reached == all_of_them, all_of_them - reached


def channel(driver):
    """From the sentence on top the keyboard gets to the channel that fails."""
    link = driver.find_element(By.CSS_SELECTOR, ".alarm a")
    link.send_keys(Keys.ENTER)
    target = driver.find_element(By.ID, "channels")
    until("the channels are in sight", lambda: 0 <= target.rect["y"] - driver.execute_script("return scrollY") < PHONE[1])
    cards = driver.find_elements(By.CSS_SELECTOR, 'section[aria-labelledby="channels"] .card')
    assert len(cards) == 1 and "failing" in cards[0].text and "Nothing told since the daemon started." in cards[0].text, cards[0].text


def others(driver, site):
    """What a page of somebody else's can do from the same browser: nothing."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>evil</title>")

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    driver.get(f"http://evil.example:{server.server_port}/")
    fetch = "const done = arguments[1]; fetch(...arguments[0]).then((a) => done(a.type + a.status), (e) => done('failed'))"
    status, release = site.url + "api/v1/status", site.url + "api/v1/release"
    assert driver.execute_async_script(fetch, [status, {}]) == "failed", "another site reads nothing"
    plain = {"method": "POST", "mode": "no-cors", "body": "{}"}
    assert driver.execute_async_script(fetch, [release, plain]) in ("opaque0", "failed")
    bearing = {"method": "POST", "body": "{}", "headers": {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}}
    assert driver.execute_async_script(fetch, [release, bearing]) == "failed", "not even with the token"
    # The name of the other site now leads here.
    driver.get(f"http://evil.example:{site.port}/")
    text = driver.find_element(By.TAG_NAME, "body").text
    assert "not the name of this page" in text and "example.org" not in text, text
    server.shutdown()
    driver.get_log("browser")


def without_script(driver, site):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.get(site.url)
    text = driver.find_element(By.TAG_NAME, "body").text
    assert "192.0.2.44" in text and "The buttons need JavaScript" in text, text
    assert not any(button.is_displayed() for button in driver.find_elements(By.TAG_NAME, "button"))
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def parsed(site):
    """The status by its schema, the metrics by Prometheus' own parsers."""
    schema = json.loads((ROOT / "packaging/status.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(site.get("api/v1/status")))
    text = site.get("metrics", Accept="application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in prometheus_client.openmetrics.parser.text_string_to_metric_families(text)}
    plain = list(prometheus_client.parser.text_string_to_metric_families(site.get("metrics", Accept="text/plain")))
    samples = lambda families: {(one.name, tuple(sorted(one.labels.items()))) for family in families for one in family.samples}
    assert samples(families.values()) == samples(plain), samples(families.values()) ^ samples(plain)
    kinds = {name: family.type for name, family in families.items()}
    assert kinds["driftless_changes"] == "counter" and kinds["driftless_confirmed_after_seconds"] == "histogram", kinds
    assert kinds["driftless_build"] == "info" and kinds["driftless_record_up_to_date"] == "gauge", kinds
    assert kinds["driftless_channel_up"] == "gauge" and kinds["driftless_channel_failures"] == "counter", kinds
    up = [(sample.labels["channel"], sample.value) for sample in families["driftless_channel_up"].samples]
    assert up == [("watchdog", 0)], up
    return len(samples(plain))


def main():
    driftless, emulator, folder = sys.argv[1:4]
    axe = sys.argv[4] if len(sys.argv) > 4 else None
    pictures = pathlib.Path(folder)
    pictures.mkdir(parents=True, exist_ok=True)
    site = Site(driftless, emulator)
    try:
        expected = {"up to date", "failing", "held", "unknown"}
        until("every state is there", lambda: set(site.states().values()) == expected)
        until("the channel fails", lambda: site.channel()["error"])
        print(parsed(site), "series were parsed")
        for dark in [False, True]:
            for size, name in [(DESK, "desk"), (PHONE, "phone")]:
                driver = browser(dark, size)
                try:
                    driver.get(site.url)
                    read(driver, axe)
                    shoot(driver, pictures / f"{'dark' if dark else 'light'}-{name}.png")
                    if dark and size == PHONE:
                        focus(driver)
                        channel(driver)
                        without_script(driver, site)
                        others(driver, site)
                        driver.get(site.url)
                        buttons(driver, site)
                        shoot(driver, pictures / "dark-phone-after.png")
                    elif not dark and size == PHONE:
                        small = {"width": 320, "height": 568, "deviceScaleFactor": 1, "mobile": True}
                        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", small)
                        read(driver, None)
                finally:
                    driver.quit()
        print("the page was read and used; pictures are in", pictures)
    except BaseException:
        site.log.flush()
        print((site.dir / "log").read_text(), file=sys.stderr)
        raise
    finally:
        site.end()


main()
