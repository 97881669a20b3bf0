"""The Python binding as Python programs expect it."""

import gc
import pathlib
import pickle
import warnings

from helpers import TestCase, identity
from status1to1 import Client, Error


class Binding(TestCase):
    def test_errors_are_pickled(self):
        """As multiprocessing and concurrent.futures do to bring them back."""
        client = self.memory()
        error = self.fails("no_identity", "", client.call, "identity.get")
        again = pickle.loads(pickle.dumps(error))
        self.assertIsInstance(again, Error)
        self.assertEqual(str(again), str(error))
        for name in ("code", "category", "message", "retryable", "field", "details"):
            self.assertEqual(getattr(again, name), getattr(error, name))

    def test_dropped_client(self):
        config = {"store": {"kind": "memory"}, "network": {"kind": "memory", "memory": {"name": self.id()}}}
        client = Client(config)
        handle = client.handle
        with self.assertWarnsRegex(ResourceWarning, f"client {handle} was dropped"):
            del client
            gc.collect()
        left = Client.__new__(Client)  # what opened it is gone: to close it there must be another
        left.handle, left._closed = handle, False
        left.close()
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            with Client(config):
                pass
            self.assertRaises(Error, Client, {"store": {"kind": "nonsense"}})
            gc.collect()

    def test_path_like(self):
        path = pathlib.Path(self.directory) / "path-like.db"
        store = dict(self.store("x"), path=path)
        client = self.open({"store": store, "network": {"kind": "memory"}})
        identity(client)
        self.assertTrue(path.exists())
        with self.assertRaises(TypeError):
            Client({"store": {"path": object()}})
