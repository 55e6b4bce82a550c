# Nightlight as an image: hashed locks, no compiler, no npm, no root, no secret; it runs on a read-only root file system.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build

RUN python -m venv /opt/nightlight
COPY requirements requirements
RUN /opt/nightlight/bin/pip install --require-hashes -r requirements/runtime.txt

COPY package.json package-lock.json ./
COPY tools tools
RUN python -m tools.page_assets

COPY . .
RUN /opt/nightlight/bin/pip install --no-build-isolation --no-deps .


FROM python:3.13-slim
ENV PATH=/opt/nightlight/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NIGHTLIGHT_DATA_DIR=/var/lib/nightlight \
    NIGHTLIGHT_HTTP=0.0.0.0:8000 \
    NIGHTLIGHT_MLLP=0.0.0.0:2575

RUN install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/nightlight
COPY --from=build /opt/nightlight /opt/nightlight

USER 10001:10001
VOLUME /var/lib/nightlight
EXPOSE 8000 2575 2576
STOPSIGNAL SIGTERM
ENTRYPOINT ["nightlight"]
CMD ["serve"]
