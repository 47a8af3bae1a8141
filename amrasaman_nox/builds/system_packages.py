"""Which packages of Debian and Fedora hold a program, a header or a library that a build lacks."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Package(NamedTuple):
    """A package of the system: what it holds, separated by blanks, and its names.

    A name that ends in ``/`` is a folder of headers; one with ``.pc`` is a module of pkg-config.
    """

    holds: str
    debian: str
    fedora: str


PACKAGES: Final = (
    # Programs.
    Package("cc gcc c++ g++ clang ld make", "build-essential", "gcc-c++ make"),
    Package("autoconf autoreconf autoheader", "autoconf", "autoconf"),
    Package("automake aclocal", "automake", "automake"),
    Package("libtool libtoolize glibtoolize", "libtool", "libtool"),
    Package("pkg-config pkgconf", "pkg-config", "pkgconf-pkg-config"),
    Package("cmake", "cmake", "cmake"),
    Package("ninja", "ninja-build", "ninja-build"),
    Package("meson", "meson", "meson"),
    Package("patchelf", "patchelf", "patchelf"),
    Package("git", "git", "git-core"),
    Package("swig", "swig", "swig"),
    Package("gfortran", "gfortran", "gcc-gfortran"),
    Package("nasm", "nasm", "nasm"),
    Package("yasm", "yasm", "yasm"),
    Package("bison yacc", "bison", "bison"),
    Package("flex lex", "flex", "flex"),
    Package("m4", "m4", "m4"),
    Package("gettext msgfmt", "gettext", "gettext"),
    Package("perl", "perl", "perl"),
    Package("rustc cargo", "cargo", "cargo"),
    Package("go", "golang-go", "golang"),
    Package("node npm", "npm", "npm"),
    Package("qmake qmake6", "qt6-base-dev", "qt6-qtbase-devel"),
    Package("pg_config libpq-fe.h libpq.pc", "libpq-dev", "libpq-devel"),
    Package("mysql_config mysql.h mysql/ mysqlclient.pc mariadb.pc libmariadb.pc",
            "libmariadb-dev", "mariadb-connector-c-devel"),
    Package("curl-config curl/ libcurl.pc", "libcurl4-openssl-dev", "libcurl-devel"),
    Package("krb5-config krb5.h gssapi/ krb5-gssapi.pc", "libkrb5-dev", "krb5-devel"),
    Package("xslt-config libxslt/ libxslt.pc", "libxslt1-dev", "libxslt-devel"),
    Package("xml2-config libxml/ libxml-2.0.pc", "libxml2-dev", "libxml2-devel"),
    Package("gdal-config gdal.h gdal.pc", "libgdal-dev", "gdal-devel"),
    Package("geos-config geos_c.h geos.pc", "libgeos-dev", "geos-devel"),
    Package("nc-config netcdf.h netcdf.pc", "libnetcdf-dev", "netcdf-devel"),
    # Headers, modules of pkg-config, and libraries.
    Package("Python.h", "python3-dev", "python3-devel"),
    Package("ffi.h libffi.pc libffi.so", "libffi-dev", "libffi-devel"),
    Package("openssl/ openssl.pc libssl.so libcrypto.so", "libssl-dev", "openssl-devel"),
    Package("zlib.h zlib.pc libz.so", "zlib1g-dev", "zlib-devel"),
    Package("bzlib.h bzip2.pc libbz2.so", "libbz2-dev", "bzip2-devel"),
    Package("lzma.h liblzma.pc liblzma.so", "liblzma-dev", "xz-devel"),
    Package("zstd.h libzstd.pc libzstd.so", "libzstd-dev", "libzstd-devel"),
    Package("lz4.h liblz4.pc", "liblz4-dev", "lz4-devel"),
    Package("sqlite3.h sqlite3.pc libsqlite3.so", "libsqlite3-dev", "sqlite-devel"),
    Package("yaml.h yaml-0.1.pc libyaml.so", "libyaml-dev", "libyaml-devel"),
    Package("expat.h expat.pc", "libexpat1-dev", "expat-devel"),
    Package("readline/ readline.pc", "libreadline-dev", "readline-devel"),
    Package("ncurses.h curses.h ncurses.pc", "libncurses-dev", "ncurses-devel"),
    Package("gmp.h gmp.pc libgmp.so", "libgmp-dev", "gmp-devel"),
    Package("mpfr.h mpfr.pc", "libmpfr-dev", "mpfr-devel"),
    Package("mpc.h", "libmpc-dev", "libmpc-devel"),
    Package("sodium.h libsodium.pc libsodium.so", "libsodium-dev", "libsodium-devel"),
    Package("lber.h ldap.h", "libldap-dev", "openldap-devel"),
    Package("sasl/ libsasl2.pc", "libsasl2-dev", "cyrus-sasl-devel"),
    Package("cups/ cups.pc", "libcups2-dev", "cups-devel"),
    Package("dbus/ dbus-1.pc", "libdbus-1-dev", "dbus-devel"),
    Package("glib.h glib-2.0.pc gobject-2.0.pc gio-2.0.pc", "libglib2.0-dev", "glib2-devel"),
    Package("girepository.h gobject-introspection-1.0.pc", "libgirepository1.0-dev",
            "gobject-introspection-devel"),
    Package("girepository-2.0.pc", "libgirepository-2.0-dev", "glib2-devel"),
    Package("cairo.h cairo/ cairo.pc py3cairo.pc", "libcairo2-dev", "cairo-devel"),
    Package("pango/ pango.pc", "libpango1.0-dev", "pango-devel"),
    Package("jpeglib.h libjpeg.pc libjpeg.so", "libjpeg-dev", "libjpeg-turbo-devel"),
    Package("png.h libpng.pc libpng.so", "libpng-dev", "libpng-devel"),
    Package("tiff.h tiffio.h libtiff-4.pc", "libtiff-dev", "libtiff-devel"),
    Package("webp/ libwebp.pc", "libwebp-dev", "libwebp-devel"),
    Package("ft2build.h freetype2.pc", "libfreetype-dev", "freetype-devel"),
    Package("graphviz/ libcgraph.pc", "libgraphviz-dev", "graphviz-devel"),
    Package("hdf5.h hdf5.pc libhdf5.so", "libhdf5-dev", "hdf5-devel"),
    Package("cblas.h openblas.pc libopenblas.so", "libopenblas-dev", "openblas-devel"),
    Package("lapack.pc liblapack.so", "liblapack-dev", "lapack-devel"),
    Package("fftw3.h fftw3.pc", "libfftw3-dev", "fftw-devel"),
    Package("boost/", "libboost-dev", "boost-devel"),
    Package("Eigen/ eigen3.pc", "libeigen3-dev", "eigen3-devel"),
    Package("proj.h proj.pc", "libproj-dev", "proj-devel"),
    Package("sql.h sqlext.h odbc.pc libodbc.so", "unixodbc-dev", "unixODBC-devel"),
    Package("sybdb.h", "freetds-dev", "freetds-devel"),
    Package("snappy.h snappy-c.h", "libsnappy-dev", "snappy-devel"),
    Package("event.h event2/ libevent.pc", "libevent-dev", "libevent-devel"),
    Package("uv.h libuv.pc", "libuv1-dev", "libuv-devel"),
    Package("ev.h", "libev-dev", "libev-devel"),
    Package("zmq.h libzmq.pc", "libzmq3-dev", "zeromq-devel"),
    Package("usb.h libusb.h libusb-1.0/ libusb-1.0.pc", "libusb-1.0-0-dev", "libusb1-devel"),
    Package("libudev.h libudev.pc", "libudev-dev", "systemd-devel"),
    Package("systemd/ libsystemd.pc", "libsystemd-dev", "systemd-devel"),
    Package("security/ pam.pc", "libpam0g-dev", "pam-devel"),
    Package("magic.h", "libmagic-dev", "file-devel"),
    Package("archive.h libarchive.pc", "libarchive-dev", "libarchive-devel"),
    Package("git2.h libgit2.pc", "libgit2-dev", "libgit2-devel"),
    Package("librdkafka/ rdkafka.pc", "librdkafka-dev", "librdkafka-devel"),
    Package("secp256k1.h libsecp256k1.pc", "libsecp256k1-dev", "libsecp256k1-devel"),
    Package("portaudio.h portaudio-2.0.pc", "portaudio19-dev", "portaudio-devel"),
    Package("alsa/ alsa.pc", "libasound2-dev", "alsa-lib-devel"),
    Package("sndfile.h sndfile.pc", "libsndfile1-dev", "libsndfile-devel"),
    Package("libavcodec/ libavformat/ libavutil/ libavcodec.pc libavformat.pc libavutil.pc",
            "libavformat-dev libavdevice-dev libavfilter-dev", "ffmpeg-free-devel"),
    Package("SDL.h SDL2/ sdl2.pc", "libsdl2-dev", "SDL2-devel"),
    Package("GL/ gl.pc", "libgl-dev", "mesa-libGL-devel"),
    Package("X11/ x11.pc", "libx11-dev", "libX11-devel"),
    Package("tk.h tcl.h", "tk-dev", "tk-devel"),
    Package("mpi.h", "libopenmpi-dev", "openmpi-devel"),
    Package("antlr3.h", "libantlr3c-dev", "antlr3-C-devel"),
    Package("re2/ re2.pc", "libre2-dev", "re2-devel"),
    Package("enchant.h enchant-2.pc", "libenchant-2-dev", "enchant2-devel"),
    Package("augeas.h augeas.pc", "libaugeas-dev", "augeas-devel"),
    Package("virt.h libvirt/ libvirt.pc", "libvirt-dev", "libvirt-devel"),
    Package("nss.h nss/ nss.pc", "libnss3-dev", "nss-devel"),
    Package("attr/ sys/acl.h", "libacl1-dev libattr1-dev", "libacl-devel libattr-devel"),
    Package("sys/capability.h libcap.pc", "libcap-dev", "libcap-devel"),
    Package("linux/", "linux-libc-dev", "kernel-headers"),
    Package("pcap.h libpcap.pc", "libpcap-dev", "libpcap-devel"),
    Package("bluetooth/ bluez.pc", "libbluetooth-dev", "bluez-libs-devel"),
)  # fmt: skip

_NAME: Final = r"[A-Za-z][\w.+-]{0,40}"
#: How outputs name what is missing, and what that is. What only may be a program is one if the
#: table has it.
_MISSING: Final = (
    ("program", rf": \d{{1,6}}: ({_NAME}): not found"),
    ("program", rf"(?:^|[ :])({_NAME}): command not found"),
    ("program", rf"[Cc]ommand '(?:\S{{0,200}}/)?({_NAME})' failed: No such file"),
    ("program", rf"Program '?({_NAME})'? (?:found: NO|not found)"),
    ("program", rf"specify a working (?:Qt )?({_NAME})"),
    ("known", rf"No such file or directory: ['\"`]({_NAME})['\"`]"),
    ("known", rf"(?:^|[ /:])({_NAME}): not found"),
    ("known", rf"['\"`]?({_NAME})['\"`]? (?:executable |program |command )?(?:was |is )?not found"),
    ("known", rf"(?:execute|find|run|missing|found:?) ['\"`]?({_NAME})['\"`]?"),
    ("header", r"([A-Za-z][\w./+-]{0,80}\.h(?:pp|h|xx)?): No such file or directory"),
    ("module", r"Dependency ['\"]([\w.+-]{1,60})['\"] not found"),
    ("module", r"Package '?([\w.+-]{1,60})'?,? (?:was not found|required by)"),
    ("module", r"The system library `([\w.+-]{1,60})`"),
    ("module", r"No package '([\w.+-]{1,60})' found"),
    ("module", r"pkg-config (?:--\S{1,20} ){1,4}([\w.+-]{1,60})' returned non-zero"),
    ("library", r"cannot find -l([\w.+-]{1,60})"),
    ("shared", r"(lib[\w+-]{1,60}\.so)[\w.]{0,20}: cannot open shared object file"),
)
_PATTERNS: Final = tuple((kind, re.compile(pattern)) for kind, pattern in _MISSING)
#: How the table names what is neither a program nor a header.
_FORMS: Final = {"module": "{}.pc", "library": "lib{}.so"}


def missing_in(line: str) -> str:
    """Return what *line* of an output says is missing, as the table names it, ``""`` if nothing.

    That is the name of a program, of a header, of a module of pkg-config with ``.pc``, or of a
    library with ``.so``.
    """
    for kind, pattern in _PATTERNS:
        found = pattern.search(line)
        if found is not None and (kind != "known" or package_of(found[1]) is not None):
            return _FORMS.get(kind, "{}").format(found[1])
    return ""


def package_of(missing: str) -> Package | None:
    """Return the row that holds *missing*, as :func:`missing_in` names it, if there is one."""
    folder = f"{missing.partition('/')[0]}/" if "/" in missing else missing
    base = missing.rpartition("/")[2]
    for wanted in dict.fromkeys((missing, folder, base)):
        for package in PACKAGES:
            if wanted in package.holds.split():
                return package
    return None


def hint_for_missing(missing: str) -> str:
    """Return what to install where *missing* is not there."""
    package = package_of(missing)
    if package is not None:
        return f"install it: {package.debian} (Debian), {package.fedora} (Fedora)"
    if missing.endswith(".pc"):
        name = missing.removesuffix(".pc")
        return (
            f"install the development files of {name}: `apt-file search {missing}` (Debian) and "
            f"`dnf provides 'pkgconfig({name})'` (Fedora) name the package"
        )
    return (
        f"install the package that has {missing}: `apt-file search {missing}` (Debian) and "
        f"`dnf provides '*/{missing}'` (Fedora) name it"
    )
