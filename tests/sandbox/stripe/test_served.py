"""The stand-in as a server: over the network, killed in the middle, and telling a real endpoint."""

import collections
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stripe

from portal import clock
from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe.serve import Server, send

SERVE = """
import sys
from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe.serve import Server
server = Server(Stripe(sys.argv[1]), port=0).start()
print(server.port, flush=True)
server.wait()
"""


def client(port):
    return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"http://127.0.0.1:{port}"}).v1


def run(file):
    process = subprocess.Popen([sys.executable, "-c", SERVE, file], stdout=subprocess.PIPE, text=True)
    return process, client(int(process.stdout.readline()))


def make_customers(api):
    while True:
        yield api.customers.create(params={"email": "a@example.org"}).id


@pytest.fixture
def served(file):
    server = Server(Stripe(file), port=0).start()
    yield server
    server.stop()


def test_a_killed_server_loses_nothing_it_answered(file):
    answered, process = [], None
    for _ in range(3):
        process, api = run(file)
        customers = make_customers(api)
        answered += itertools.islice(customers, 10)
        threading.Timer(0.1, os.kill, [process.pid, signal.SIGKILL]).start()
        with pytest.raises(stripe.APIConnectionError):
            collections.deque(map(answered.append, customers))
        process.wait()
        process.stdout.close()
    process, api = run(file)
    kept = [one.id for one in api.customers.list(params={"limit": 100}).auto_paging_iter()]
    process.kill(), process.wait(), process.stdout.close()
    assert len(answered) > 20 and set(answered) <= set(kept) and len(kept) - len(answered) <= 3


def test_two_servers_share_one_account(file, served):
    other = Server(Stripe(file), port=0).start()
    made = client(served.port).customers.create(params={"email": "a@example.org"})
    assert client(other.port).customers.retrieve(made.id).email == "a@example.org"
    other.stop()


@pytest.mark.parametrize("fault", ["down", "lost_answer"])
def test_a_cut_connection_is_a_cut_connection(served, fault):
    served._world.switch(api=fault)
    with pytest.raises(stripe.APIConnectionError):
        client(served.port).customers.create(params={"email": "a@example.org"})
    served._world.switch()
    assert len(client(served.port).customers.list().data) == (fault == "lost_answer")


def test_a_real_endpoint_is_told_and_can_check_who_told_it(file):
    heard = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append(stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], "whsec_here").type)
            self.send_response(200 if len(heard) > 1 else 500)
            self.end_headers()

        def log_message(self, *_args):
            pass

    endpoint = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    world = Stripe(file, endpoint=(f"http://127.0.0.1:{endpoint.server_port}/hook", "whsec_here"))
    server = Server(world, port=0).start()
    client(server.port).customers.create(params={"email": "a@example.org"})
    client(server.port).products.create(params={"name": "Individual"})
    until = time.monotonic() + 20
    while len(heard) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    with clock.at(clock.now() + timedelta(minutes=1)):
        world.deliver(send)
    server.stop(), endpoint.shutdown(), endpoint.server_close()
    assert sorted(heard) == ["customer.created", "customer.created", "product.created"]
