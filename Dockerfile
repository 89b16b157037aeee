# Image of node and console for 64-bit ARM and x86, with USB and network cameras. A camera on a Raspberry Pi's ribbon
# cable needs libcamera and picamera2 of Raspberry Pi OS, which this image does not have: use scripts/install there.
# See docs/how-to/docker.md; docker-compose.yml has the options of the containers.
FROM python:3.13-slim-trixie AS build
WORKDIR /source
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY pi_cam_node pi_cam_node
RUN python -m venv /opt/pi-cam-node \
    && /opt/pi-cam-node/bin/python -m pip install --no-cache-dir --disable-pip-version-check '.[video,console]'

FROM python:3.13-slim-trixie
# The ids are fixed, so that volumes keep their owner; the group video opens cameras. Both folders become volumes.
RUN groupadd --gid 10001 pi-cam-node \
    && useradd --uid 10001 --gid 10001 --groups video --home-dir /var/lib/pi-cam-node --no-create-home \
        --shell /usr/sbin/nologin pi-cam-node \
    && install -d -o pi-cam-node -g pi-cam-node -m 0700 /var/lib/pi-cam-node /etc/pi_cam_node
COPY --from=build /opt/pi-cam-node /opt/pi-cam-node
COPY --chown=10001:10001 --chmod=0600 docker/node/config.yaml docker/console/console.yaml /etc/pi_cam_node/
# Pictures and state are in the state folder, as under systemd.
ENV PATH=/opt/pi-cam-node/bin:$PATH \
    STATE_DIRECTORY=/var/lib/pi-cam-node \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/pi-cam-node
VOLUME ["/var/lib/pi-cam-node", "/etc/pi_cam_node"]
EXPOSE 8080 8090
# A node is healthy if it is connected to a broker, and its camera delivers or privacy is on; docker-compose.yml has the console's check.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=8)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["pi-cam-node"]
CMD ["run", "--config", "/etc/pi_cam_node/config.yaml"]
