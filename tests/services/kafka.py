"""A Kafka broker for tests: KAFKA_BOOTSTRAP_SERVERS, a container, or Apache Kafka from Maven on the local JVM."""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import container
from tests.services.process import PATIENCE_SECONDS, ServiceUnavailable, free_port, start, stop, wait_until
from tests.services.redis import Service

VERSION = "4.1.0"
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
POM = Path(__file__).with_name("kafka.pom.xml")
# Small heap and the first compiler only: a test broker must start fast, not run fast.
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "throughline-tests" / f"kafka-{VERSION}"


def jars() -> Path:
    """The folder of the broker's jars, fetched once into the user's cache. Blocks. Raises ServiceUnavailable."""
    folder = _cache()
    if (folder / f"kafka_2.13-{VERSION}.jar").exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise ServiceUnavailable("Kafka: no KAFKA_BOOTSTRAP_SERVERS, no Docker engine, no mvn to fetch a broker with")
    # Copied beside and renamed, so that an interrupted download never looks complete.
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True, exist_ok=True)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
    command = [maven, "-q", "-B", "-f", str(POM), f"-Dkafka.version={VERSION}", goal, f"-DoutputDirectory={partial}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if asked.returncode != 0:
            lines = (asked.stdout + asked.stderr).strip().splitlines() or ["mvn failed"]
            raise ServiceUnavailable(f"Kafka: {lines[0]}")
        if not folder.exists():
            partial.rename(folder)
    except subprocess.TimeoutExpired as late:
        raise ServiceUnavailable("Kafka: mvn did not fetch the broker within 300 s") from late
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


@dataclass(frozen=True)
class Secure:
    """A listener of TLS with every way to sign in, for one user; `pem`: its key and certificate."""

    pem: Path
    user: str
    password: str
    port: int = field(default_factory=free_port)

    @property
    def scram(self) -> Sequence[str]:
        made = f"[name={self.user},password={self.password}]"
        return ("-S", f"SCRAM-SHA-256={made}", "-S", f"SCRAM-SHA-512={made}")

    @property
    def properties(self) -> Sequence[str]:
        of = "listener.name.sasl_ssl"
        package, own = "org.apache.kafka.common.security", f"user_{self.user}={self.password!r}"
        return (
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={self.pem}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
            f"{of}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            f"{of}.plain.sasl.jaas.config={package}.plain.PlainLoginModule required {own};",
            f"{of}.scram-sha-256.sasl.jaas.config={package}.scram.ScramLoginModule required;",
            f"{of}.scram-sha-512.sasl.jaas.config={package}.scram.ScramLoginModule required;",
            # Without more it takes tokens that nobody signed.
            f"{of}.oauthbearer.sasl.jaas.config={package}.oauthbearer.OAuthBearerLoginModule required "
            f"unsecuredLoginStringClaim_sub={self.user!r};",
        )


@dataclass
class KafkaBroker:
    """One Apache Kafka broker and controller (KRaft) on 127.0.0.1 that can be stopped, killed and started again
    on the same port and folder. `advertised`: the port that clients are told, if a proxy stands before it."""

    folder: Path
    port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)
    advertised: int = 0
    node: int = 1
    cluster: "Sequence[KafkaBroker]" = ()
    secure: "Secure | None" = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it serves. Raises ServiceUnavailable."""
        self.launch()
        self.wait()

    def wait(self) -> None:
        """Wait until it serves: in a cluster once most of the others do. Raises ServiceUnavailable."""
        assert self.process is not None
        wait_until(self._listens, self.process, self.folder / "kafka.log", PATIENCE_SECONDS)

    def launch(self) -> None:
        """Start the process. Raises ServiceUnavailable."""
        java = shutil.which("java")
        if java is None:
            raise ServiceUnavailable("Kafka: no KAFKA_BOOTSTRAP_SERVERS, no Docker engine, no java to run a broker on")
        classpath = f"{jars()}/*"
        self.folder.mkdir(parents=True, exist_ok=True)
        properties, log = self.folder / "kafka.properties", self.folder / "kafka.log"
        properties.write_text(self._properties())
        if not (self.folder / "kafka" / "meta.properties").exists():
            tool = [
                java,
                *JVM,
                "-cp",
                classpath,
                "kafka.tools.StorageTool",
                "format",
                "-t",
                CLUSTER,
                "-c",
                str(properties),
                *(self.secure.scram if self.secure else ()),
            ]
            formatted = subprocess.run(tool, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
            if formatted.returncode != 0:
                raise ServiceUnavailable(f"Kafka: {(formatted.stderr or formatted.stdout).strip().splitlines()[-1]}")
            os.sync()  # a broker does not start without them: no power cut of a trial comes while one is set up
        self.process = start([java, *JVM, "-cp", classpath, "kafka.Kafka", str(properties)], log)

    def _properties(self) -> str:
        voters = ",".join(f"{each.node}@127.0.0.1:{each.controller_port}" for each in self.cluster or (self,))
        replicas = max(1, len(self.cluster))
        safe = f",SASL_SSL://127.0.0.1:{self.secure.port}" if self.secure else ""
        return "\n".join(
            (
                "process.roles=broker,controller",
                f"node.id={self.node}",
                f"controller.quorum.voters={voters}",
                f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}{safe}",
                f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.advertised or self.port}{safe}",
                *(self.secure.properties if self.secure else ()),
                "controller.listener.names=CONTROLLER",
                f"log.dirs={self.folder / 'kafka'}",
                "auto.create.topics.enable=false",
                f"offsets.topic.replication.factor={replicas}",
                "offsets.topic.num.partitions=4",
                f"transaction.state.log.replication.factor={replicas}",
                "transaction.state.log.min.isr=1",
                "group.initial.rebalance.delay.ms=0",
                "group.min.session.timeout.ms=1000",
                "num.network.threads=2",
                "num.io.threads=4",
                "log.cleaner.dedupe.buffer.size=2000000",
            )
        )

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, 20.0)
        self.process = None

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None


def cluster(folder: Path, size: int = 3) -> list[KafkaBroker]:
    """A cluster of so many brokers that serves. Raises ServiceUnavailable. Whoever opens it kills it."""
    brokers = [KafkaBroker(folder / f"broker-{number}", node=number) for number in range(1, size + 1)]
    try:
        for broker in brokers:
            broker.cluster = brokers
            broker.launch()
        for broker in brokers:
            broker.wait()
    except ServiceUnavailable:
        for broker in brokers:
            broker.kill()
        raise
    return brokers


def open_kafka(folder: Path) -> Service:
    """The session's broker; `url` is its bootstrap address. Raises ServiceUnavailable."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        return Service(given, f"Kafka at KAFKA_BOOTSTRAP_SERVERS {given}", lambda: None)
    if container.engine_runs():
        from testcontainers.kafka import KafkaContainer

        box = KafkaContainer(f"apache/kafka:{VERSION}").with_kraft().start()
        return Service(box.get_bootstrap_server(), f"Apache Kafka {VERSION} in a container", box.stop)
    broker = KafkaBroker(folder / "broker")
    broker.start()
    return Service(broker.bootstrap, f"Apache Kafka {VERSION} (KRaft) on the local JVM", broker.stop)
